import { refuseOption } from '@thimble/core/plugin';

/** A piece of a prompt, with how much its tokens weigh: 1 where nothing is said. */
export interface PromptPiece {
  readonly text: string;
  readonly weight: number;
}

/** What round brackets multiply a weight by, and square brackets divide it by. */
const BRACKET_WEIGHT = 1.1;

const TOKEN =
  /\\(?<escaped>[()[\]\\]?)|:\s*(?<weight>[+-]?(?:\d+\.?\d*|\.\d+))\s*\)|(?<bracket>[()[\]])|(?<text>[^\\()[\]:]+|:)/gu;
const BREAK = /\s*\bBREAK\b\s*/u;

/** Pieces that are read so far, and the brackets that are open. */
class PieceReader {
  readonly #pieces: { readonly line: number; readonly text: string; weight: number }[] = [];
  readonly #open: { readonly bracket: '(' | '['; readonly from: number }[] = [];
  #line = 0;

  /** The pieces of each line, neighbours of one weight joined. */
  get lines(): readonly (readonly PromptPiece[])[] {
    const lines: { text: string; weight: number }[][] = Array.from({ length: this.#line + 1 }, () => []);
    for (const { line, text, weight } of this.#pieces) {
      const last = lines[line]?.at(-1);
      if (last?.weight === weight) last.text += text;
      else lines[line]?.push({ text, weight });
    }
    return lines;
  }

  /** Takes a text as it is. */
  add(text: string): void {
    this.#pieces.push({ line: this.#line, text, weight: 1 });
  }

  /** Takes a text in which `BREAK` ends a line. */
  addText(text: string): void {
    for (const [i, part] of text.split(BREAK).entries()) {
      if (i > 0) this.#line++;
      if (part !== '') this.add(part);
    }
  }

  open(bracket: '(' | '['): void {
    this.#open.push({ bracket, from: this.#pieces.length });
  }

  /** Closes the bracket of that kind that was opened last; false if none is open. */
  close(bracket: '(' | '[', factor: number): boolean {
    const at = this.#open.findLastIndex((one) => one.bracket === bracket);
    const [opened] = at < 0 ? [] : this.#open.splice(at, 1);
    if (opened === undefined) return false;
    for (let i = opened.from; i < this.#pieces.length; i++) (this.#pieces[i] as { weight: number }).weight *= factor;
    return true;
  }

  /** Brackets that are never closed count to the end. */
  closeAll(): void {
    while (this.close('(', BRACKET_WEIGHT));
    while (this.close('[', 1 / BRACKET_WEIGHT));
  }
}

/**
 * Reads a prompt in the syntax of AUTOMATIC1111: `(a cat)` weighs 1.1 times as much, `((a cat))` 1.1 · 1.1, `[a cat]` 1 / 1.1, `(a cat:1.3)` 1.3 times; brackets within brackets
 * multiply; `\(`, `\)`, `\[`, `\]` and `\\` are those characters themselves. A bracket that is not closed counts to the end, one that closes nothing is text.
 *
 * @returns the pieces of each line, in order; the word `BREAK` ends a line. Neighbours of the same weight are one piece
 * @throws ERR_ARGUMENT_INVALID for what is no text
 */
export function parsePromptWeights(prompt: string): readonly (readonly PromptPiece[])[] {
  if (typeof prompt !== 'string') refuseOption('prompt', prompt, 'a text');
  const reader = new PieceReader();
  for (const match of prompt.matchAll(TOKEN)) readToken(reader, match);
  reader.closeAll();
  return reader.lines;
}

function readToken(reader: PieceReader, { 0: whole, groups = {} }: RegExpExecArray): void {
  const { escaped, weight, bracket } = groups;
  if (escaped !== undefined) return reader.add(escaped);
  if (bracket === '(' || bracket === '[') return reader.open(bracket);
  const closed =
    (weight !== undefined && reader.close('(', Number(weight))) ||
    (bracket === ')' && reader.close('(', BRACKET_WEIGHT)) ||
    (bracket === ']' && reader.close('[', 1 / BRACKET_WEIGHT));
  if (!closed) reader.addText(whole);
}
