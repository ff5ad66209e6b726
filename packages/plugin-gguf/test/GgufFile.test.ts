import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from '@jest/globals';
import { isThimbleError } from '@thimble/core';
import { GgufFile, type GgufArray } from '../src/index.js';
import { type GgufContents, text, u32, u64, writeGguf } from './support/writeGguf.mjs';

const CASE = fileURLToPath(new URL('../../core/test/fixtures/gguf', import.meta.url));
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-gguf-')));
afterAll(() => rmSync(folder, { recursive: true }));

interface HeaderCall {
  readonly name: string;
  readonly args: {
    readonly file: string;
    readonly version: number;
    readonly fields: Readonly<Record<string, { readonly types: readonly string[]; readonly value: unknown }>>;
    readonly tensors: readonly {
      readonly name: string;
      readonly type: string;
      readonly shape: readonly number[];
      readonly offset: number;
    }[];
  };
}
const { calls } = JSON.parse(readFileSync(join(CASE, 'case.json'), 'utf8')) as { calls: readonly HeaderCall[] };
const headers = calls.filter(({ name }) => name.endsWith('.header'));

test.each(headers.map((call) => [call.name, call.args] as const))(
  '%s: what gguf’s own reader finds',
  async (_name, { file, version, fields, tensors }) => {
    const opened = await GgufFile.open(join(CASE, file));
    expect(opened.version).toBe(version);
    expect(Object.keys(opened.metadata)).toEqual(Object.keys(fields));
    for (const [key, { value }] of Object.entries(fields)) {
      const got = opened.metadata[key];
      if (!isLong(value)) expect(got).toEqual(value);
      else {
        expect(got).toHaveLength(value.length);
        expect((got as unknown[]).slice(0, value.first.length)).toEqual(value.first);
        expect((got as unknown[]).slice(-value.last.length)).toEqual(value.last);
      }
    }
    expect(
      [...opened.tensors.values()].map(({ name, dtype, shape, offset }) => ({
        name,
        type: dtype,
        shape: shape.toReversed(),
        offset,
      })),
    ).toEqual(tensors);
  },
);

function isLong(value: unknown): value is { length: number; first: unknown[]; last: unknown[] } {
  return typeof value === 'object' && value !== null && 'first' in value;
}

function write(contents: GgufContents | Uint8Array, name = 'x.gguf'): string {
  const file = join(folder, name);
  writeFileSync(file, contents instanceof Uint8Array ? contents : writeGguf(contents));
  return file;
}

const TENSOR = { name: 'a', sizes: [32, 2], type: 2, data: new Uint8Array(36) };

test('a long array is read when it is asked for, from a header of several megabytes', async () => {
  const words = Array.from({ length: 300_000 }, (_, i) => `word ${i}`);
  const array = Buffer.concat([u32(8), u64(words.length), ...words.map(text)]);
  const { metadata, tensors } = await GgufFile.open(
    write({
      metadata: [
        ['words', 9, array],
        ['last', 4, u32(7)],
      ],
      tensors: [TENSOR],
    }),
  );
  expect(metadata['last']).toBe(7);
  expect((metadata['words'] as GgufArray).length).toBe(300_000);
  expect(await (metadata['words'] as GgufArray).read()).toEqual(words);
  expect(tensors.get('a')).toMatchObject({ shape: [2, 32], dtype: 'Q4_0', blockBytes: 18 });
});

test('a tensor whose original shape the file tells has that one', async () => {
  const shape = Buffer.concat([u32(5), u64(3), u32(2), u32(8), u32(4)]);
  const file = write({ metadata: [['comfy.gguf.orig_shape.a', 9, shape]], tensors: [TENSOR] });
  expect((await GgufFile.open(file)).tensors.get('a')?.shape).toEqual([2, 8, 4]);
});

describe('is refused', () => {
  test.each<readonly [string, GgufContents | Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /ends within its header/],
    ['another file', Buffer.from('GGML and more bytes'), /does not begin with "GGUF"/],
    ['version 1', { version: 1 }, /version is 1; 2 and 3/],
    ['big-endian', { version: 3 * 2 ** 24 }, /big-endian/],
    [
      'a count beyond the file',
      Buffer.concat([Buffer.from('GGUF'), u32(3), u64(2n ** 60n), u64(0)]),
      /claims 1152921504606846976 tensors/,
    ],
    ['a header that is cut off', writeGguf({ tensors: [TENSOR] }).subarray(0, 50), /ends within its header/],
    [
      'a key twice',
      {
        metadata: [
          ['k', 4, u32(1)],
          ['k', 4, u32(1)],
        ],
      },
      /key "k" twice/,
    ],
    ['a key that is none', { metadata: [['', 4, u32(1)]] }, /a key has 0 bytes/],
    ['an unknown type of value', { metadata: [['k', 13, u32(1)]] }, /unknown type 13/],
    ['an array of arrays', { metadata: [['k', 9, Buffer.concat([u32(9), u64(1)])]] }, /array of arrays/],
    [
      'an array beyond the file',
      { metadata: [['k', 9, Buffer.concat([u32(4), u64(2n ** 40n)])]] },
      /claims 1099511627776 elements/,
    ],
    ['a boolean that is none', { metadata: [['k', 7, Uint8Array.of(2)]] }, /boolean that is 2/],
    ['an alignment that is none', { metadata: [['general.alignment', 4, u32(24)]] }, /alignment is 24/],
    ['a tensor twice', { tensors: [TENSOR, TENSOR] }, /the file has it twice/],
    ['five dimensions', { tensors: [{ ...TENSOR, sizes: [32, 1, 1, 1, 2] }] }, /5 dimensions/],
    ['a size of zero', { tensors: [{ ...TENSOR, sizes: [0] }] }, /sizes 0 are none/],
    ['sizes beyond numbers', { tensors: [{ ...TENSOR, sizes: [2 ** 50, 2 ** 50] }] }, /are none/],
    ['an unknown type', { tensors: [{ ...TENSOR, type: 99 }] }, /type 99 is unknown/],
    ['rows that blocks do not divide', { tensors: [{ ...TENSOR, sizes: [33, 2] }] }, /blocks of 32 do not divide/],
    [
      'tensors that overlap',
      { tensors: [TENSOR, { ...TENSOR, name: 'b', offset: 32 }] },
      /begins at 32; after the one before it comes 64/,
    ],
    ['a tensor beyond the file', writeGguf({ tensors: [TENSOR] }).subarray(0, -1), /which has only/],
    [
      'bytes of no tensor',
      Buffer.concat([writeGguf({ tensors: [TENSOR] }), new Uint8Array(64)]),
      /belong to no tensor/,
    ],
    [
      'an original shape of another size',
      { metadata: [['comfy.gguf.orig_shape.a', 9, Buffer.concat([u32(5), u64(1), u32(63)])]], tensors: [TENSOR] },
      /original shape/,
    ],
  ])('%s', async (_what, contents, problem) => {
    const error = await GgufFile.open(write(contents)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_GGUF_/), message: expect.stringMatching(problem) });
  });

  test('what is not there', async () => {
    const error = await GgufFile.open(join(folder, 'none.gguf')).catch((thrown: unknown) => thrown);
    expect(isThimbleError(error, 'ERR_FILE_NOT_FOUND')).toBe(true);
  });
});
