import { expect, test } from '@jest/globals';
import { parseLoraTags, parsePromptWeights, PromptError, type PromptPiece } from '../src/index.js';

/** Pieces as text: what weighs 1 stands alone, `/` between lines. */
function shown(prompt: string): string {
  const pieceText = ({ text, weight }: PromptPiece): string => {
    const rounded = Number(weight.toFixed(6));
    return rounded === 1 ? `"${text}"` : `"${text}" ${rounded}`;
  };
  return parsePromptWeights(prompt)
    .map((line) => line.map(pieceText).join(', '))
    .join(' / ');
}

test.each([
  ['a red fox', '"a red fox"'],
  ['a (red) fox', '"a ", "red" 1.1, " fox"'],
  ['a ((red)) fox', '"a ", "red" 1.21, " fox"'],
  ['[snow] and [[ice]]', '"snow" 0.909091, " and ", "ice" 0.826446'],
  ['(a red fox:1.3)', '"a red fox" 1.3'],
  ['(a (red:0.5) fox:2)', '"a " 2, "red", " fox" 2'],
  ['(x: .5)(y:-1.25 )(z:+2.)', '"x" 0.5, "y" -1.25, "z" 2'],
  ['((a:1.5) b)', '"a" 1.65, " b" 1.1'],
  ['(a:1.0)', '"a"'],
  [String.raw`\(a\) \[b\] \\ \c`, String.raw`"(a) [b] \ c"`],
  ['a (red fox', '"a ", "red fox" 1.1'],
  ['a [red fox', '"a ", "red fox" 0.909091'],
  ['a red) fox]', '"a red) fox]"'],
  ['12:30, red:1.3)', '"12:30, red:1.3)"'],
  ['(12:30pm)', '"12:30pm" 1.1'],
  ['(a:1.2.3)', '"a:1.2.3" 1.1'],
  ['([a)b]', '"a", "b" 0.909091'],
  ['a cat BREAK a dog', '"a cat" / "a dog"'],
  ['a cat\n BREAK BREAK', '"a cat" /  / '],
  ['(a cat BREAK a dog:2)', '"a cat" 2 / "a dog" 2'],
  ['BREAKING news', '"BREAKING news"'],
  ['', ''],
])('%s', (prompt, pieces) => {
  expect(shown(prompt)).toBe(pieces);
});

test('many brackets take no time', () => {
  const started = process.cpuUsage();
  parsePromptWeights('(a[b'.repeat(5000));
  expect(process.cpuUsage(started).user).toBeLessThan(3_000_000);
});

test('tags of LoRAs are taken out', () => {
  expect(parseLoraTags('a fox <lora:snow:0.8>, <lora:detail> (red:1.2)<lyco:old one:-.5>')).toEqual({
    prompt: 'a fox ,  (red:1.2)',
    loras: [
      { name: 'snow', scale: 0.8 },
      { name: 'detail', scale: 1 },
      { name: 'old one', scale: -0.5 },
    ],
  });
  expect(parseLoraTags('a < b > c')).toEqual({ prompt: 'a < b > c', loras: [] });
});

test.each(['<lora:snow:much>', '<lora:snow:>', '<lora:snow:0.8:0.5>'])('%s is refused', (tag) => {
  expect(() => parseLoraTags(`a fox ${tag}`)).toThrow(
    expect.objectContaining({ code: 'ERR_PROMPT_LORA_TAG', message: expect.stringContaining(tag) }),
  );
});

test('what is no text is refused', () => {
  for (const parse of [parsePromptWeights, parseLoraTags])
    expect(() => parse(5 as unknown as string)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }));
  expect(PromptError.author).toBe('thimble:prompt-weights');
});
