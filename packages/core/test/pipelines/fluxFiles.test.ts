import { mkdtempSync, rmSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { decodeBfloat16 } from '../../src/weights/files/decodeBfloat16.js';
import { Float8Encoder } from '../../src/weights/files/Float8Encoder.js';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';
import { type TensorToWrite, writeSafetensors } from '../../src/weights/files/writeSafetensors.js';
import { flux } from '../../src/weights/keymaps/flux.js';
import { ldmVae } from '../../src/weights/keymaps/ldmVae.js';
import type { KeyMap } from '../../src/weights/keymaps/KeyMap.js';
import { fixturePath } from '../support/fixturePath.js';
import { originalTensors } from '../support/originalTensors.js';

const MODEL = fixturePath('flux-tiny');
const INLINE = { deviceOptions: { inline: true, threads: 1 } };
const folder = mkdtempSync(join(tmpdir(), 'thimble-flux-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Tensors = Readonly<Record<string, TensorToWrite & { readonly data: Uint8Array }>>;

/** The tensors of a component in their authors' keys. */
async function originals(file: string, map: KeyMap): Promise<Tensors> {
  const source = await SafetensorsFile.open(join(MODEL, file));
  // Shift before scale.
  return Object.fromEntries(await originalTensors(map, source, '', ['final_layer.adaLN_modulation']));
}

async function latentsOf(components?: Record<string, string>): Promise<Float32Array> {
  await using pipe = await DiffusionPipeline.fromPretrained(MODEL, { ...INLINE, ...(components && { components }) });
  const options = {
    width: 48,
    height: 32,
    numInferenceSteps: 1,
    maxSequenceLength: 8,
    seed: 3,
    outputType: 'latent',
  } as const;
  const { images } = await pipe.generate('a hut', options);
  return images.data as Float32Array;
}

const apart = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]!), 0) / a.length;

let transformer: Tensors;
let plain: Float32Array;
beforeAll(async () => {
  transformer = await originals('transformer/diffusion_pytorch_model.safetensors', flux);
  plain = await latentsOf();
});

test.each([[''], ['model.diffusion_model.']])(
  "a file in its authors' keys, with the prefix '%s', is the transformer of the folder, to the bit",
  async (prefix) => {
    const path = join(folder, `flux${prefix.length}.safetensors`);
    await writeSafetensors(
      path,
      Object.fromEntries(Object.entries(transformer).map(([key, tensor]) => [prefix + key, tensor])),
    );
    expect(await latentsOf({ transformer: path })).toEqual(plain);
  },
);

test('files of each component make the pipeline, to the bit', async () => {
  const vae = join(folder, 'ae.safetensors');
  await writeSafetensors(vae, await originals('vae/diffusion_pytorch_model.safetensors', ldmVae));
  const files = {
    transformer: join(folder, 'flux0.safetensors'),
    vae,
    text_encoder: join(MODEL, 'text_encoder/model.safetensors'),
  };
  const text_encoder_2 = join(MODEL, 'text_encoder_2/model.safetensors');
  expect(await latentsOf({ ...files, text_encoder_2 })).toEqual(plain);
});

/** Matrices in eight bits, as they are, or divided by their largest value with the scale beside them. */
async function inEightBits(scaled: boolean): Promise<Tensors> {
  const written: Record<string, Tensors[string]> = {};
  for (const [key, tensor] of Object.entries(transformer)) {
    if (tensor.shape.length < 2) {
      written[key] = tensor;
      continue;
    }
    const { buffer, byteOffset, byteLength } = new Uint8Array(tensor.data);
    const floats = decodeBfloat16(new Uint16Array(buffer, byteOffset, byteLength / 2));
    const most = floats.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    const scale = scaled ? Math.fround(most / 448) : 1;
    written[key] = {
      dtype: 'F8_E4M3',
      shape: tensor.shape,
      data: Float8Encoder.e4m3fn.encode(floats.map((value) => value / scale)),
    };
    if (!scaled) continue;
    const data = new Uint8Array(Float32Array.of(scale).buffer);
    written[key.replace(/weight$/, 'scale_weight')] = { dtype: 'F32', shape: [], data };
  }
  if (scaled) written['scaled_fp8'] = { dtype: 'F8_E4M3', shape: [2], data: new Uint8Array(2) };
  return written;
}

test.each([
  ['without scales', false, 0.2],
  ["with ComfyUI's scales", true, 0.08],
])('in eight-bit floats %s', async (_, scaled, most) => {
  const path = join(folder, `fp8-${String(scaled)}.safetensors`);
  await writeSafetensors(path, await inEightBits(scaled));
  const off = apart(await latentsOf({ transformer: path }), plain);
  expect(off).toBeGreaterThan(0.001);
  expect(off).toBeLessThan(most);
});

test.each(['flux1-schnell-Q4_K_S', 'flux1-schnell-fp8-e4m3fn', 'FLUX1-schnell'])(
  '%s is known by its name',
  async (name) => {
    const path = join(folder, `${name}.safetensors`);
    await symlink(join(folder, 'flux0.safetensors'), path);
    const options = { ...INLINE, components: { transformer: path } };
    await using pipe = await DiffusionPipeline.fromPretrained(MODEL, options);
    expect([pipe.preset, pipe.defaults, pipe.scheduler.config]).toMatchObject([
      'flux1-schnell',
      { numInferenceSteps: 4, guidanceScale: 0 },
      { use_dynamic_shifting: false, shift: 1 },
    ]);
  },
);

test('a transformer alone of another size asks for its configuration, and computes with it', async () => {
  const path = join(folder, 'flux0.safetensors');
  await expect(DiffusionPipeline.fromPretrained(path, INLINE)).rejects.toMatchObject({
    code: 'ERR_CHECKPOINT_UNKNOWN',
    message: expect.stringMatching(/nearest to FLUX\.1 dev.*inner_dim is 48, not 3072/),
  });
  await using pipe = await DiffusionPipeline.fromPretrained(path, { ...INLINE, config: join(MODEL, 'transformer') });
  const tensor = (...dims: number[]): Tensor =>
    new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
  const { sample } = await pipe.transformer.call({
    hidden_states: tensor(1, 4, 64),
    encoder_hidden_states: tensor(1, 2, 32),
    pooled_projections: tensor(1, 24),
    timestep: tensor(1),
    img_ids: tensor(4, 3),
    txt_ids: tensor(2, 3),
    guidance: tensor(1),
  });
  expect(sample!.dims).toEqual([1, 4, 64]);
});
