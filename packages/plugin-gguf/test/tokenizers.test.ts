import { mkdtempSync, readFileSync, rmSync, writeFileSync, cpSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { DiffusionPipeline, Qwen2Tokenizer, T5Tokenizer, type Tokenizer } from '@thimble/core';
import { SafetensorsFile } from '@thimble/core/plugin';
import { GgufFile, GgufPlugin } from '../src/index.js';
import { text, u32, u64, writeGguf } from './support/writeGguf.mjs';

const fixture = (name: string): string => fileURLToPath(new URL(`../../core/test/fixtures/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'thimble-gguf-'));
afterAll(() => rmSync(folder, { recursive: true }));

const TEXTS = [
  'a red fox in the snow',
  ' Naïve   cafés, 日本 & 12!\n\n',
  '<|im_start|>user\nhi<|im_end|>',
  'ſ ﬁne ½ the</s>then',
  '',
];

async function opened(
  file: string,
  Class: typeof Qwen2Tokenizer | typeof T5Tokenizer,
  into: string,
): Promise<Tokenizer> {
  const { tokenizerFiles } = await GgufFile.open(file);
  const target = mkdtempSync(join(folder, into));
  for (const [name, contents] of await tokenizerFiles!()) writeFileSync(join(target, name), contents);
  return Class.fromPretrained(target);
}

function idsOf(tokenizer: Tokenizer): unknown {
  return TEXTS.map((text) => tokenizer.encode(text, { maxLength: 40 }).input_ids.data);
}

test("Qwen's tokenizer of a file's metadata is that of its folder", async () => {
  const got = await opened(fixture('gguf/qwen3/qwen3-tiny-mixed.gguf'), Qwen2Tokenizer, 'qwen');
  expect(idsOf(got)).toEqual(idsOf(await Qwen2Tokenizer.fromPretrained(fixture('gguf/qwen3/tokenizer'))));
});

interface Unigram {
  readonly normalizer: {
    readonly precompiled_charsmap?: string;
    readonly normalizers?: readonly { readonly precompiled_charsmap?: string }[];
  } | null;
  readonly model: { readonly unk_id: number; readonly vocab: readonly (readonly [string, number])[] };
}

/** T5's tokenizer as llama.cpp's converter writes it, with what fills the table up. */
function t5Metadata(): [string, number, Uint8Array][] {
  const { model, normalizer } = JSON.parse(
    readFileSync(fixture('cogvideox-tiny/tokenizer/tokenizer.json'), 'utf8'),
  ) as Unigram;
  const { vocab } = model;
  const padded = [...vocab, ...Array.from({ length: 28 }, (_, i) => [`[PAD${vocab.length + i}]`, -1000] as const)];
  const array = (type: number, values: readonly Uint8Array[]): Uint8Array =>
    Buffer.concat([u32(type), u64(values.length), ...values]);
  const float = (value: number): Uint8Array => new Uint8Array(Float32Array.of(value).buffer);
  const table =
    normalizer?.precompiled_charsmap ??
    normalizer?.normalizers?.find(({ precompiled_charsmap: found }) => found !== undefined)?.precompiled_charsmap;
  const idOf = (piece: string): number => vocab.findIndex(([each]) => each === piece);
  return [
    ['tokenizer.ggml.model', 8, text('t5')],
    [
      'tokenizer.ggml.tokens',
      9,
      array(
        8,
        padded.map(([piece]) => text(piece)),
      ),
    ],
    [
      'tokenizer.ggml.scores',
      9,
      array(
        6,
        padded.map(([, score]) => float(score)),
      ),
    ],
    [
      'tokenizer.ggml.token_type',
      9,
      array(
        5,
        padded.map((_, id) => u32(id < vocab.length ? 1 : 5)),
      ),
    ],
    ['tokenizer.ggml.eos_token_id', 4, u32(idOf('</s>'))],
    ['tokenizer.ggml.unknown_token_id', 4, u32(model.unk_id)],
    ['tokenizer.ggml.padding_token_id', 4, u32(idOf('<pad>'))],
    [
      'tokenizer.ggml.precompiled_charsmap',
      9,
      array(
        0,
        Array.from(Buffer.from(table ?? '', 'base64'), (byte) => Uint8Array.of(byte)),
      ),
    ],
  ];
}

test("T5's tokenizer comes with an encoder in a model that has none on disk", async () => {
  const source = fixture('cogvideox-tiny');
  const model = join(folder, 'cogvideox');
  cpSync(source, model, {
    recursive: true,
    filter: (path) => !/case\.|tokenizer|spiece/.test(path.slice(source.length)),
  });
  const encoder = await SafetensorsFile.open(join(source, 'text_encoder/model.safetensors'));
  const tensors = [];
  for (const [name, { shape, dtype }] of encoder.tensors)
    tensors.push({ name, sizes: shape.toReversed(), type: dtype === 'F32' ? 0 : 1, data: await encoder.read(name) });
  const file = join(folder, 't5.gguf');
  writeFileSync(file, writeGguf({ metadata: t5Metadata(), tensors }));
  const options = { deviceOptions: { inline: true }, plugins: [new GgufPlugin()] };
  await using pipe = await DiffusionPipeline.fromPretrained(model, { ...options, components: { text_encoder: file } });
  expect(idsOf(pipe.tokenizer)).toEqual(idsOf(await T5Tokenizer.fromPretrained(join(source, 'tokenizer'))));
});
