import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CLIPTokenizer } from '../../src/tokenizers/CLIPTokenizer.js';
import { createTokenizer } from '../../src/tokenizers/createTokenizer.js';
import { readBytePairEncoding } from '../../src/tokenizers/readBytePairEncoding.js';
import type { EncodedPrompts, Tokenizer } from '../../src/tokenizers/Tokenizer.js';
import { processorTimeOf } from '../support/processorTime.js';
import { FixtureCase } from '../schedulers/FixtureCase.js';

const fixtures = fileURLToPath(new URL('../fixtures/', import.meta.url));
const folderOf = (name: string): string => join(fixtures, name, 'tokenizer');
const recorded = JSON.parse(readFileSync(new URL('prompts.json', import.meta.url), 'utf8')) as {
  prompts: { prompt: string; ids: number[]; ids2: number[]; text: string }[];
};
const ids = ({ input_ids }: EncodedPrompts): number[] => Array.from(input_ids.data as BigInt64Array, Number);
const mask = ({ attention_mask }: EncodedPrompts): number[] => Array.from(attention_mask.data as BigInt64Array, Number);
const code = (name: string, text: RegExp): unknown =>
  expect.objectContaining({ code: name, message: expect.stringMatching(text) });

let sd: Tokenizer;
let sd2: Tokenizer;
let scratch: string;
beforeAll(async () => {
  sd = await createTokenizer(folderOf('sd-tiny'));
  sd2 = await createTokenizer(folderOf('sd2-tiny'));
  scratch = mkdtempSync(join(tmpdir(), 'thimble-tokenizer-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** A copy of sd2-tiny's small tokenizer with other or fewer files. */
function variant(files: Readonly<Record<string, string | object | null>>, from = 'sd2-tiny'): string {
  const folder = mkdtempSync(join(scratch, 'case-'));
  cpSync(folderOf(from), folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    rmSync(join(folder, name), { force: true });
    if (content !== null)
      writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

describe.each(['sd-tiny', 'sd2-tiny'])('the prompts of %s', (name) => {
  test('have the ids that transformers gives them', () => {
    const fixture = new FixtureCase(name);
    const call = fixture.calls.find((each) => each.name === 'tokenizer')!;
    const encoded = (name === 'sd-tiny' ? sd : sd2).encode(call.args['prompts'] as string[]);
    expect(encoded.input_ids.dims).toEqual(fixture.shape(call.out['input_ids']!.tensor));
    expect(ids(encoded)).toEqual(fixture.numbers(call.out['input_ids']!.tensor));
    expect(mask(encoded)).toEqual(fixture.numbers(call.out['attention_mask']!.tensor));
  });
});

test('prompts of all scripts, signs and spaces have the ids that transformers gives them, and decode as there', () => {
  for (const { prompt, ids: expected, ids2, text } of recorded.prompts) {
    expect([prompt, ids(sd.encode(prompt, { maxLength: expected.length }))]).toEqual([prompt, expected]);
    expect([prompt, ids(sd2.encode(prompt, { maxLength: ids2.length }))]).toEqual([prompt, ids2]);
    expect(sd.decode(expected.slice(1, -1))).toBe(text);
  }
});

describe('CLIPTokenizer', () => {
  test('pads with its own padding token', () => {
    expect(ids(sd.encode('cat', { maxLength: 5 }))).toEqual([49406, 2368, 49407, 49407, 49407]);
    expect(ids(sd2.encode('', { maxLength: 4 }))).toEqual([2512, 2513, 0, 0]);
    expect(mask(sd2.encode('', { maxLength: 4 }))).toEqual([1, 1, 0, 0]);
  });

  test('says what it cuts off', () => {
    const long = `${'a cat and '.repeat(30)}the very end`;
    expect(sd.encode(['short', long]).input_ids.dims).toEqual([2, 77]);
    expect(sd.truncated('short')).toBeUndefined();
    expect(sd.truncated(long)).toMatch(/cat and the very end$/);
    expect(sd.truncated('one two three', { maxLength: 5 })).toBeUndefined();
    expect(sd.truncated('one two three', { maxLength: 4 })).toBe('three');
  });

  test('takes special tokens as they are written, not in capitals', () => {
    expect(ids(sd.encode('<|endoftext|>', { maxLength: 3 }))).toEqual([49406, 49407, 49407]);
    expect(ids(sd.encode('x <|STARTOFTEXT|> y!', { maxLength: 12 }))).toEqual([
      49406, 343, 27, 347, 993, 6659, 4160, 91, 285, 344, 256, 49407,
    ]);
  });

  test('decodes with and without special tokens', () => {
    const encoded = [49406, 2368, 256, 49407, 49407];
    expect(sd.decode(encoded)).toBe('<|startoftext|>cat ! <|endoftext|><|endoftext|>');
    expect(sd.decode(encoded.map(BigInt), { skipSpecialTokens: true })).toBe('cat !');
    expect(() => sd.decode([49408])).toThrow(code('ERR_ARGUMENT_INVALID', /ids/));
    expect(() => sd.decode([-1])).toThrow(code('ERR_ARGUMENT_INVALID', /ids/));
  });

  test('takes words of several ids, until they are taken out again', () => {
    const prompt = 'a <Toy>, two <toy>s, my<Toy>_1!';
    const before = ids(sd.encode(prompt));
    const [toy, cow] = [sd.addToken!('<Toy>', 2), sd.addToken!('<cow>')];
    expect([toy.ids, cow.ids]).toEqual([[49408, 49409], [49410]]);
    expect(ids(sd.encode('a <Toy>, <toy>s<cow>', { maxLength: 10 }))).toEqual([
      49406, 320, 49408, 49409, 267, 49408, 338, 49410, 49407, 49407,
    ]);
    expect(ids(sd.encode('my<Toy>_1', { maxLength: 4 }))).toEqual([49406, 607, 49409, 49407]);
    expect(sd.decode([49409, 49410])).toBe('<Toy>_1<cow>');
    for (const taken of ['<Toy>', '<TOY>', '<toy>_1', 'cat', 'CAT', '<|endoftext|>', ' x', ''])
      expect(() => sd.addToken!(taken)).toThrow(code('ERR_ARGUMENT_INVALID', /token/));
    toy[Symbol.dispose]();
    const bow = sd.addToken!('<bow>');
    expect(bow.ids).toEqual([49411]);
    for (const word of [cow, bow]) word[Symbol.dispose]();
    toy[Symbol.dispose]();
    expect(ids(sd.encode(prompt))).toEqual(before);
  });

  test('is quick with very long words', async () => {
    expect(await processorTimeOf(() => sd.encode('x'.repeat(50_000)))).toBeLessThan(3000);
  });

  test('refuses what is no prompt', () => {
    expect(() => sd.encode(3 as never)).toThrow(code('ERR_ARGUMENT_INVALID', /prompts/));
    expect(() => sd.encode(['a', null] as never)).toThrow(code('ERR_ARGUMENT_INVALID', /prompts/));
    for (const maxLength of [1, 2.5, Number.NaN])
      expect(() => sd.encode('a', { maxLength })).toThrow(code('ERR_ARGUMENT_INVALID', /maxLength/));
    expect(sd.encode([]).input_ids.dims).toEqual([0, 77]);
  });
});

describe('createTokenizer', () => {
  const special = { bos_token: '<|startoftext|>', eos_token: '<|endoftext|>', unk_token: '<|endoftext|>' };
  const flags = { lstrip: false, normalized: true, rstrip: false, single_word: false };

  test('special_tokens_map.json wins over tokenizer_config.json', async () => {
    const config = { ...special, tokenizer_class: 'CLIPTokenizer', model_max_length: 12, pad_token: '<|endoftext|>' };
    const padded = await createTokenizer(
      variant({ 'tokenizer_config.json': config, 'special_tokens_map.json': { pad_token: '!' } }),
    );
    expect(ids(padded.encode('')).at(-1)).toBe(0);
    expect(padded.modelMaxLength).toBe(12);
    const plain = await createTokenizer(variant({ 'tokenizer_config.json': config, 'special_tokens_map.json': null }));
    expect(ids(plain.encode('')).at(-1)).toBe(2513);
  });

  test('needs no config', async () => {
    const tokenizer = await createTokenizer(
      variant({ 'tokenizer_config.json': null, 'special_tokens_map.json': null }),
    );
    expect(tokenizer.modelMaxLength).toBe(77);
    expect(ids(tokenizer.encode('', { maxLength: 3 }))).toEqual([2512, 2513, 2513]);
  });

  test('takes the length that transformers writes for "unknown" as 77', async () => {
    const folder = variant({ 'tokenizer_config.json': { model_max_length: 1e30 } });
    expect((await createTokenizer(folder)).modelMaxLength).toBe(77);
  });

  test('normalised special tokens are found in capitals too', async () => {
    const folder = variant({ 'special_tokens_map.json': { bos_token: { content: '<|startoftext|>', ...flags } } });
    expect(ids((await createTokenizer(folder)).encode('<|STARTOFTEXT|>', { maxLength: 3 }))).toEqual([
      2512, 2512, 2513,
    ]);
  });

  test('takes added tokens', async () => {
    const folder = variant({
      'added_tokens.json': null,
      'tokenizer_config.json': {
        added_tokens_decoder: {
          2514: { content: '<cat-toy>', ...flags },
          2515: { content: 'Sks', ...flags, normalized: false, lstrip: true, rstrip: true, single_word: true },
        },
      },
    });
    const tokenizer = await createTokenizer(folder);
    const tokens = ids(tokenizer.encode('<Cat-Toy>! Sks  !Skst', { maxLength: 30 }));
    expect(tokens.slice(0, 5)).toEqual([2512, 2514, 256, 2515, 256]);
    expect(tokens.filter((id) => id === 2515)).toHaveLength(1);
    expect(tokenizer.decode([2514, 2515])).toBe('<cat-toy>Sks');
  });

  test('a config with tokens of its own is complete: the older files beside it are not asked, as in transformers', async () => {
    const older = { 'added_tokens.json': { sks: 2514 }, 'special_tokens_map.json': { pad_token: '!' } };
    const config = {
      added_tokens_decoder: { 2513: { content: '<|endoftext|>', ...flags } },
      pad_token: '<|endoftext|>',
    };
    const own = await createTokenizer(variant({ ...older, 'tokenizer_config.json': config }));
    expect(ids(own.encode('sks'))).not.toContain(2514);
    expect(ids(own.encode('')).at(-1)).toBe(2513);
    const old = await createTokenizer(variant({ ...older, 'tokenizer_config.json': { pad_token: '<|endoftext|>' } }));
    expect(ids(old.encode('sks'))).toContain(2514);
    expect(ids(old.encode('')).at(-1)).toBe(0);
  });

  test.each([
    ['CLIPTokenizer', 'CLIPTokenizer'],
    ['CLIPTokenizer', null],
    ['CLIPTokenizer', 'TokenizersBackend'],
    ['CLIPTokenizer', 'PreTrainedTokenizerFast'],
    ['CLIPTokenizer', 'T5Tokenizer'],
    ['CLIPTokenizer', 'GPT2Tokenizer'],
    ['CLIPTokenizerFast', 7],
    ['AutoTokenizer', 'CLIPTokenizer'],
    [undefined, 'CLIPTokenizerFast'],
    [undefined, null],
    [undefined, 'TokenizersBackend'],
  ])('is of the class of model_index.json, %s, whatever its config says: %j', async (className, own) => {
    const folder = variant({ 'tokenizer_config.json': { tokenizer_class: own } });
    const tokenizer = await createTokenizer(folder, className);
    expect(tokenizer).toBeInstanceOf(CLIPTokenizer);
    expect(ids(tokenizer.encode('a photograph'))).toEqual(ids(sd2.encode('a photograph')));
    expect(ids((await CLIPTokenizer.fromPretrained(folder)).encode('a'))).toEqual(ids(sd2.encode('a')));
  });

  test('that nobody has is refused by the name in model_index.json', async () => {
    const folder = variant({ 'tokenizer_config.json': { tokenizer_class: 'TokenizersBackend' } });
    await expect(createTokenizer(folder, 'QwenTokenizer')).rejects.toEqual(
      code('ERR_TOKENIZER_UNSUPPORTED', /QwenTokenizer.*CLIPTokenizer/),
    );
  });

  test('tokenizer.json goes before vocab.json, as in transformers', async () => {
    const folder = variant({
      'special_tokens_map.json': null,
      'tokenizer_config.json': null,
      'tokenizer.json': {
        added_tokens: [
          { id: 1, content: '<|startoftext|>', ...flags, special: true },
          { id: 2, content: '<|endoftext|>', ...flags, special: true },
        ],
        model: { type: 'BPE', vocab: { 'a</w>': 0, '<|startoftext|>': 1, '<|endoftext|>': 2 }, merges: [] },
      },
    });
    expect(ids((await createTokenizer(folder)).encode('a', { maxLength: 3 }))).toEqual([1, 0, 2]);
  });

  test.each(['pairs', 'lines'])('reads tokenizer.json alone, merges as %s', async (form) => {
    const vocab = JSON.parse(readFileSync(join(folderOf('sd2-tiny'), 'vocab.json'), 'utf8')) as Record<string, number>;
    const lines = readFileSync(join(folderOf('sd2-tiny'), 'merges.txt'), 'utf8')
      .trim()
      .split('\n')
      .slice(1);
    const merges = form === 'pairs' ? lines.map((line) => line.split(' ')) : lines;
    const added = Object.entries(special)
      .slice(0, 2)
      .map(([, content]) => ({ id: vocab[content], content, ...flags, normalized: false, special: true }));
    const json = {
      version: '1.0',
      truncation: null,
      added_tokens: added,
      model: { type: 'BPE', dropout: null, unk: [{ a: '}]"\\' }], vocab, merges },
    };
    const ascii = JSON.stringify(json, null, 1).replaceAll(
      /[\u0080-\uffff]/gu,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
    const tokenizer = await createTokenizer(
      variant({ 'vocab.json': null, 'merges.txt': null, 'tokenizer.json': ascii }),
    );
    for (const { prompt, ids2 } of recorded.prompts)
      expect(ids(tokenizer.encode(prompt, { maxLength: ids2.length }))).toEqual(ids2);
  });

  test('reads merges.txt with line ends of Windows', async () => {
    const text = readFileSync(join(folderOf('sd2-tiny'), 'merges.txt'), 'utf8').replaceAll('\n', '\r\n');
    const tokenizer = await createTokenizer(variant({ 'merges.txt': text }));
    expect(ids(tokenizer.encode('a photograph'))).toEqual(ids(sd2.encode('a photograph')));
  });

  test.each<[string, Record<string, string | object | null>, string, RegExp]>([
    ['no files', { 'vocab.json': null }, 'ERR_FILE_NOT_FOUND', /vocab\.json/],
    ['no merges', { 'merges.txt': null }, 'ERR_FILE_NOT_FOUND', /merges\.txt/],
    [
      'a vocabulary that is cut off',
      { 'vocab.json': '{"a": 0, "b' },
      'ERR_TOKENIZER_FILE',
      /vocab\.json.*byte 11.*does not end/,
    ],
    [
      'a vocabulary without ids',
      { 'vocab.json': '{"a": "b"}' },
      'ERR_TOKENIZER_FILE',
      /vocab\.json.*byte 6.*integer below/,
    ],
    [
      'an id that is too large',
      { 'vocab.json': '{"a": 4294967296000}' },
      'ERR_TOKENIZER_FILE',
      /vocab\.json.*integer below/,
    ],
    ['a vocabulary that is a list', { 'vocab.json': '[1]' }, 'ERR_TOKENIZER_FILE', /vocab\.json.*"\{" is expected/],
    ['an empty vocabulary', { 'vocab.json': '' }, 'ERR_TOKENIZER_FILE', /vocab\.json.*ends too early/],
    ['a bad escape', { 'vocab.json': String.raw`{"\x": 1}` }, 'ERR_TOKENIZER_FILE', /vocab\.json/],
    [
      'merges of other tokens',
      { 'merges.txt': '#version: 0.2\ni n\nno-such thing' },
      'ERR_TOKENIZER_FILE',
      /merges\.txt.*merge 1, "no-such thing"/,
    ],
    ['a merge of one token', { 'merges.txt': 'in\n' }, 'ERR_TOKENIZER_FILE', /merges\.txt.*merge 0, "in"/],
    [
      'a vocabulary without special tokens',
      { 'vocab.json': '{"a": 0}', 'merges.txt': '' },
      'ERR_TOKENIZER_FILE',
      /vocab\.json.*no token "<\|startoftext\|>"/,
    ],
    [
      'another kind of tokenizer',
      { 'tokenizer_config.json': { tokenizer_class: 'GPT2Tokenizer' } },
      'ERR_TOKENIZER_UNSUPPORTED',
      /GPT2Tokenizer.*CLIPTokenizer/,
    ],
    [
      'another kind of model',
      { 'vocab.json': null, 'tokenizer.json': { model: { type: 'Unigram' } } },
      'ERR_TOKENIZER_UNSUPPORTED',
      /Unigram/,
    ],
    [
      'a tokenizer.json without a model',
      { 'vocab.json': null, 'tokenizer.json': {} },
      'ERR_TOKENIZER_FILE',
      /tokenizer\.json.*"model"/,
    ],
    [
      'a config that is no JSON',
      { 'tokenizer_config.json': '{"a": nope}' },
      'ERR_TOKENIZER_FILE',
      /tokenizer_config\.json/,
    ],
    [
      'a config that is no object',
      { 'special_tokens_map.json': '[]' },
      'ERR_TOKENIZER_FILE',
      /special_tokens_map\.json.*no object/,
    ],
    [
      'a padding token of a wrong type',
      { 'special_tokens_map.json': { pad_token: 3 } },
      'ERR_TOKENIZER_FILE',
      /"pad_token"/,
    ],
    [
      'a length of a wrong type',
      { 'tokenizer_config.json': { model_max_length: 'long' } },
      'ERR_TOKENIZER_FILE',
      /"model_max_length"/,
    ],
    ['an added token without an id', { 'added_tokens.json': { x: 'y' } }, 'ERR_TOKENIZER_FILE', /added_tokens\.json/],
  ])('names the file: %s', async (_, files, errorCode, message) => {
    await expect(createTokenizer(variant(files))).rejects.toEqual(code(errorCode, message));
  });

  test('reads the same vocabulary and merges once for all tokenizers that are there, and others anew', async () => {
    const read = async (folder: string) => readBytePairEncoding(folder);
    const [first, second] = [await read(variant({})), await read(variant({ 'tokenizer_config.json': {} }))];
    expect(second.vocabulary).toBe(first.vocabulary);
    expect(second.merges).toBe(first.merges);
    expect(second.file).not.toBe(first.file);
    const text = readFileSync(join(folderOf('sd2-tiny'), 'merges.txt'), 'utf8');
    const fewer = await read(variant({ 'merges.txt': text.trimEnd().split('\n').slice(0, -1).join('\n') }));
    expect(fewer.merges).not.toBe(first.merges);
  });

  test('names a file that cannot be read', async () => {
    const folder = variant({ 'vocab.json': null });
    mkdirSync(join(folder, 'vocab.json'));
    await expect(createTokenizer(folder)).rejects.toEqual(code('ERR_FILE_ACCESS', /vocab\.json/));
  });
});
