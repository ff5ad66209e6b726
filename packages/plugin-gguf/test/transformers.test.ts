import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DiffusionPipeline, Tensor } from '@thimble/core';
import { SafetensorsFile } from '@thimble/core/plugin';
import { GgufPlugin } from '../src/index.js';
import { type GgufTensor, writeGguf } from './support/writeGguf.mjs';

/** Community files in small, of every type of block; what is expected was computed with their values in float32. */
const CASE = fileURLToPath(new URL('../../core/test/fixtures/gguf', import.meta.url));

interface Call {
  readonly name: string;
  readonly args: { readonly file: string };
  readonly in: Readonly<Record<string, string>>;
  readonly out: Readonly<
    Record<
      string,
      { readonly tensor: string; readonly shape: readonly number[]; readonly atol: number; readonly rtol: number }
    >
  >;
}
const { calls } = JSON.parse(readFileSync(join(CASE, 'case.json'), 'utf8')) as { calls: readonly Call[] };

const folder = mkdtempSync(join(tmpdir(), 'thimble-gguf-'));
afterAll(() => rmSync(folder, { recursive: true }));
let tensors: SafetensorsFile;
beforeAll(async () => {
  tensors = await SafetensorsFile.open(join(CASE, 'case.safetensors'));
});

async function tensor(name: string): Promise<Tensor> {
  const { shape, dtype } = tensors.tensor(name);
  if (dtype === 'F32') return new Tensor('float32', await tensors.readFloat32(name), shape);
  const { buffer, byteOffset, byteLength } = await tensors.read(name);
  return new Tensor('int64', new BigInt64Array(buffer.slice(byteOffset, byteOffset + byteLength)), shape);
}

/** How far a result is off, in units of what is allowed. */
async function excess(call: Call, output: string, got: Float32Array): Promise<number> {
  const { tensor: name, atol, rtol } = call.out[output]!;
  const want = await tensors.readFloat32(name);
  expect(got).toHaveLength(want.length);
  return want.reduce(
    (worst, value, i) => Math.max(worst, Math.abs(value - got[i]!) / (atol + rtol * Math.abs(value))),
    0,
  );
}

async function openModel({ args: { file } }: Call, config = join(CASE, file, '..')): Promise<DiffusionPipeline> {
  return DiffusionPipeline.fromPretrained(join(CASE, file), {
    config,
    plugins: [new GgufPlugin()],
    deviceOptions: { inline: true, threads: 1 },
  });
}

test.each([
  ['Z-Image', 'z-image.transformer'],
  ['FLUX.1', 'flux.transformer'],
])("%s's transformer, whose projections are fused in the file, computes what it should", async (_, name) => {
  const call = calls.find((each) => each.name === name)!;
  await using pipe = await openModel(call);
  const inputs: Record<string, Tensor> = {};
  for (const [input, source] of Object.entries(call.in)) inputs[input] = await tensor(source);
  const { sample } = await pipe.components['transformer']!.call(inputs);
  expect(await excess(call, 'sample', sample!.data as Float32Array)).toBeLessThanOrEqual(1);
});

test("Qwen3 by llama.cpp's names computes what it should, the rows of its quantised table gathered", async () => {
  const call = calls.find(({ name }) => name === 'qwen3.text_encoder')!;
  // The recorded config does not name its class, as those on the hub do.
  const config = JSON.parse(readFileSync(join(CASE, call.args.file, '../config.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, architectures: ['Qwen3ForCausalLM'] }));
  await using pipe = await openModel(call, folder);
  const inputs = {
    input_ids: await tensor(call.in['input_ids']!),
    attention_mask: await tensor(call.in['attention_mask']!),
  };
  const [states] = call.out['hidden_states']!.shape;
  const names = Array.from({ length: states! }, (_, i) => `hidden_states.${i}`);
  const results = await pipe.components['text_encoder']!.call(inputs, { outputs: names });
  const got = names.flatMap((name) => [...(results[name]!.data as Float32Array)]);
  expect(await excess(call, 'hidden_states', Float32Array.from(got))).toBeLessThanOrEqual(1);
});

/** llama.cpp's names of T5's tensors, by transformers' (`gguf-py/gguf/tensor_mapping.py`). */
const T5_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^shared\./, 'token_embd.'],
  [/^encoder\.final_layer_norm\./, 'enc.output_norm.'],
  [/^encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.relative_attention_bias\./, 'enc.blk.$1.attn_rel_b.'],
  [/^encoder\.block\.(\d+)\.layer\.0\.SelfAttention\.([qkvo])\./, 'enc.blk.$1.attn_$2.'],
  [/^encoder\.block\.(\d+)\.layer\.0\.layer_norm\./, 'enc.blk.$1.attn_norm.'],
  [/^encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wi_0\./, 'enc.blk.$1.ffn_gate.'],
  [/^encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wi_1\./, 'enc.blk.$1.ffn_up.'],
  [/^encoder\.block\.(\d+)\.layer\.1\.DenseReluDense\.wo\./, 'enc.blk.$1.ffn_down.'],
  [/^encoder\.block\.(\d+)\.layer\.1\.layer_norm\./, 'enc.blk.$1.ffn_norm.'],
];

test("T5 by llama.cpp's names is the encoder of its folder, to the bit", async () => {
  const model = fileURLToPath(new URL('../../core/test/fixtures/cogvideox-tiny', import.meta.url));
  const source = await SafetensorsFile.open(join(model, 'text_encoder/model.safetensors'));
  const written: GgufTensor[] = [];
  for (const [name, view] of source.tensors) {
    const rule = T5_NAMES.find(([pattern]) => pattern.test(name));
    if (rule === undefined) continue;
    const type = view.dtype === 'F32' ? 0 : 1;
    written.push({ name: name.replace(...rule), sizes: view.shape.toReversed(), type, data: await source.read(name) });
  }
  writeFileSync(join(folder, 't5.gguf'), writeGguf({ tensors: written }));
  const deviceOptions = { inline: true, threads: 1 };
  const ids = new Tensor('int64', [5n, 9n, 3n, 1n], [1, 4]);
  const states: Float32Array[] = [];
  for (const options of [{}, { components: { text_encoder: join(folder, 't5.gguf') }, plugins: [new GgufPlugin()] }]) {
    await using pipe = await DiffusionPipeline.fromPretrained(model, { deviceOptions, ...options });
    const encoder = pipe.components['text_encoder']!;
    states.push((await encoder.call({ input_ids: ids }))['last_hidden_state']!.data as Float32Array);
    const [key] = encoder.weights.keys();
    expect(encoder.weights.find(key!)!.file.endsWith('.gguf')).toBe(states.length === 2);
  }
  expect(states[1]).toEqual(states[0]);
});

test('a transformer alone asks for its configuration', async () => {
  const options = { plugins: [new GgufPlugin()] };
  await expect(
    DiffusionPipeline.fromPretrained(join(CASE, 'z-image/z-image-tiny-mixed.gguf'), options),
  ).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT_UNKNOWN',
    message: expect.stringMatching(/it is nearest to Z-Image-Turbo, but differs from it.*--config/s),
  });
});
