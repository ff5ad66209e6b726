import type { AddedToken } from './AddedToken.js';

/** A part of a prompt: text, or an added token's content. */
export interface PromptPart {
  readonly text: string;
  readonly isToken: boolean;
}

/** Finds added tokens in a text: from left to right, the longest one where several start. */
export class AddedTokenSplitter {
  readonly #pattern: RegExp | undefined;
  /** The token's own content by what is looked for. */
  readonly #contents: ReadonlyMap<string, string>;

  /** @param looksLike what is looked for in the text: the token's content, or what the text's normaliser makes of it */
  constructor(tokens: readonly AddedToken[], looksLike: (content: string) => string = (content) => content) {
    const sorted = tokens.toSorted((a, b) => b.content.length - a.content.length);
    const alternatives = sorted.map((token) => patternOf(token, looksLike(token.content)));
    this.#pattern = sorted.length > 0 ? new RegExp(alternatives.join('|'), 'gu') : undefined;
    this.#contents = new Map(sorted.map(({ content }) => [looksLike(content), content]));
  }

  /** The parts of `text`, in order; none of them is empty text. */
  split(text: string): PromptPart[] {
    const parts: PromptPart[] = [];
    let end = 0;
    for (const match of this.#pattern ? text.matchAll(this.#pattern) : []) {
      const found = match[0];
      if (match.index > end) parts.push({ text: text.slice(end, match.index), isToken: false });
      parts.push({ text: this.#contents.get(found) ?? this.#contents.get(found.trim()) ?? found, isToken: true });
      end = match.index + found.length;
    }
    if (end < text.length) parts.push({ text: text.slice(end), isToken: false });
    return parts;
  }
}

function patternOf({ lstrip, rstrip, single_word: singleWord }: AddedToken, text: string): string {
  const literal = text.replaceAll(/[\\^$.*+?()[\]{}|/]/gu, String.raw`\$&`);
  const word = singleWord ? String.raw`(?<![\p{L}\p{N}_])${literal}(?![\p{L}\p{N}_])` : literal;
  return `${lstrip ? String.raw`\s*` : ''}${word}${rstrip ? String.raw`\s*` : ''}`;
}
