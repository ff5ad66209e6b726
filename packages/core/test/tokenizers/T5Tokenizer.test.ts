import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTokenizer } from '../../src/tokenizers/createTokenizer.js';
import type { EncodedPrompts } from '../../src/tokenizers/Tokenizer.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { fixturePath } from '../support/fixturePath.js';

const recorded = JSON.parse(readFileSync(new URL('t5-prompts.json', import.meta.url), 'utf8')) as {
  prompt: string;
  ids: number[];
  text: string;
}[];
const ids = ({ input_ids }: EncodedPrompts): number[] => Array.from(input_ids.data as BigInt64Array, Number);
const code = (name: string, text: RegExp): unknown =>
  expect.objectContaining({ code: name, message: expect.stringMatching(text) });
const NAMES = ['spiece.model', 'tokenizer.json'] as const;

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'thimble-t5-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** cogvideox-tiny's tokenizer with only some of its files, or other contents. */
function variant(keep: readonly string[], files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const folder = mkdtempSync(join(scratch, 'case-'));
  for (const name of keep) cpSync(join(fixturePath('cogvideox-tiny'), 'tokenizer', name), join(folder, name));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

describe.each(NAMES)('from %s', (name) => {
  test('prompts of all scripts, signs and spaces have the ids that transformers gives them, and decode as there', async () => {
    const tokenizer = await createTokenizer(variant([name, 'tokenizer_config.json']));
    for (const { prompt, ids: expected, text } of recorded) {
      expect([prompt, ids(tokenizer.encode(prompt, { maxLength: expected.length }))]).toEqual([prompt, expected]);
      expect(tokenizer.decode(expected, { skipSpecialTokens: true })).toBe(text);
    }
  });
});

test.each(['cogvideox-tiny', 'cogvideox-rope-tiny'])('the prompts of %s, padded and cut', async (name) => {
  const fixture = await FixtureCase.open(name);
  const { args } = fixture.call('tokenizer');
  const tokenizer = await createTokenizer(join(fixturePath(name), 'tokenizer'));
  const encoded = tokenizer.encode(args['prompts'] as string[], { maxLength: args['max_length'] as number });
  expect(await fixture.excess('tokenizer', 'input_ids', encoded.input_ids)).toBe(0);
  expect(await fixture.excess('tokenizer', 'attention_mask', encoded.attention_mask)).toBe(0);
  expect(tokenizer.modelMaxLength).toBe(226);
});

test('tells what is cut off', async () => {
  const tokenizer = await createTokenizer(variant(['spiece.model', 'tokenizer_config.json']));
  expect(tokenizer.truncated('the river runs', { maxLength: 50 })).toBeUndefined();
  expect(tokenizer.truncated('the river runs through the valley', { maxLength: 5 })).toBe('runs through the valley');
});

describe('a folder that is no T5 tokenizer is refused', () => {
  test('without spiece.model', async () => {
    await expect(createTokenizer(variant(['tokenizer_config.json']))).rejects.toEqual(
      code('ERR_FILE_NOT_FOUND', /spiece\.model/),
    );
  });

  test.each([
    ['cut', (bytes: Buffer) => bytes.subarray(0, 3000)],
    ['of noise', () => Buffer.from('no protobuf at all')],
    ['empty', () => Buffer.alloc(0)],
  ])('with a spiece.model %s', async (_, spoil) => {
    const bytes = spoil(readFileSync(join(fixturePath('cogvideox-tiny'), 'tokenizer/spiece.model')));
    await expect(createTokenizer(variant(['tokenizer_config.json'], { 'spiece.model': bytes }))).rejects.toEqual(
      code('ERR_TOKENIZER_FILE', /spiece\.model/),
    );
  });

  test('with a model of another kind', async () => {
    const json = JSON.stringify({ model: { type: 'BPE', vocab: {}, merges: [] } });
    await expect(createTokenizer(variant(['tokenizer_config.json'], { 'tokenizer.json': json }))).rejects.toEqual(
      code('ERR_TOKENIZER_UNSUPPORTED', /Unigram/),
    );
  });

  test('with lengths and prompts that are none', async () => {
    const tokenizer = await createTokenizer(variant(['spiece.model', 'tokenizer_config.json']));
    expect(() => tokenizer.encode('x', { maxLength: 0 })).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }),
    );
    expect(() => tokenizer.encode([3] as unknown as string[])).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }),
    );
    expect(() => tokenizer.decode([300])).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID' }));
  });
});
