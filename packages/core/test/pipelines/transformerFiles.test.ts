import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import { decodeFloat8E4m3fn } from '../../src/weights/files/decodeFloat8E4m3fn.js';
import { Float8Encoder } from '../../src/weights/files/Float8Encoder.js';
import { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';
import { type TensorToWrite, writeSafetensors } from '../../src/weights/files/writeSafetensors.js';
import { flux2 } from '../../src/weights/keymaps/flux2.js';
import { unchanged } from '../../src/weights/keymaps/KeyMap.js';
import { ldmVae } from '../../src/weights/keymaps/ldmVae.js';
import { sd3 } from '../../src/weights/keymaps/sd3.js';
import { zImage } from '../../src/weights/keymaps/zImage.js';
import { fixturePath } from '../support/fixturePath.js';
import { originalTensors } from '../support/originalTensors.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-transformers-')));
afterAll(() => rmSync(folder, { recursive: true }));
const INLINE = { deviceOptions: { inline: true, threads: 1 } };
const SD3 = fixturePath('sd3-tiny');
const KLEIN = fixturePath('flux2-klein-tiny');
const Z_IMAGE = fixturePath('z-image-tiny');

/** Where shift comes before scale in files of Stable Diffusion 3 with four blocks. */
const SWAPPED = ['final_layer.adaLN_modulation', 'joint_blocks.3.context_block.adaLN_modulation'];

async function written(name: string, tensors: ReadonlyMap<string, TensorToWrite>): Promise<string> {
  const path = join(folder, name);
  await writeSafetensors(path, tensors);
  return path;
}

async function pictureOf(pipe: DiffusionPipeline, options: GenerateOptions = {}): Promise<unknown> {
  const size = { width: 48, height: 48, numInferenceSteps: 1, guidanceScale: 3, seed: 1, maxSequenceLength: 24 };
  return (await pipe.generate('a hut', { ...size, ...options, outputType: 'tensor' })).images.data;
}

test('Stable Diffusion 3 in one file with its original keys makes the picture of its folder, to the bit', async () => {
  const [transformer, vae, ...encoders] = await Promise.all(
    [
      'transformer/diffusion_pytorch_model',
      'vae/diffusion_pytorch_model',
      ...['text_encoder', 'text_encoder_2', 'text_encoder_3'].map((name) => `${name}/model`),
    ].map(async (name) => SafetensorsFile.open(join(SD3, `${name}.safetensors`))),
  );
  const tensors = [
    ...(await originalTensors(sd3, transformer!, 'model.diffusion_model.', SWAPPED)),
    ...(await originalTensors(ldmVae, vae!, 'first_stage_model.')),
    ...(await originalTensors(unchanged, encoders[0]!, 'text_encoders.clip_l.transformer.')),
    ...(await originalTensors(unchanged, encoders[1]!, 'text_encoders.clip_g.transformer.')),
    ...(await originalTensors(unchanged, encoders[2]!, 'text_encoders.t5xxl.transformer.')),
  ];
  const file = await written('sd3.safetensors', new Map(tensors));
  await using whole = await DiffusionPipeline.fromPretrained(SD3, INLINE);
  await using single = await DiffusionPipeline.fromPretrained(file, { ...INLINE, config: SD3 });
  expect(await pictureOf(single)).toEqual(await pictureOf(whole));
  expect(single.transformer.checkpoint.files).toEqual([file]);
});

test("FLUX.2 klein's transformer and VAE with their original keys make the picture of the folder, to the bit", async () => {
  const open = async (name: string): Promise<SafetensorsFile> =>
    SafetensorsFile.open(join(KLEIN, `${name}/diffusion_pytorch_model.safetensors`));
  const norm = ['final_layer.adaLN_modulation'];
  const components = {
    transformer: await written('klein.safetensors', await originalTensors(flux2, await open('transformer'), '', norm)),
    vae: await written('klein-vae.safetensors', await originalTensors(ldmVae, await open('vae'))),
  };
  await using whole = await DiffusionPipeline.fromPretrained(KLEIN, INLINE);
  await using parts = await DiffusionPipeline.fromPretrained(KLEIN, { ...INLINE, components });
  const options = { textEncoderOutLayers: [1, 2, 4] };
  expect(await pictureOf(parts, options)).toEqual(await pictureOf(whole, options));
  expect(parts.transformer.weights.find('norm_out.linear.weight')!.swapped).toBe(true);
});

test('a tokenizer comes from a folder of its own, which the error of a missing one asks for', async () => {
  const components = ['text_encoder', 'text_encoder_2', 'text_encoder_3', 'tokenizer', 'tokenizer_2', 'transformer'];
  const without = [...components, 'vae', 'scheduler'];
  await using lacking = await DiffusionPipeline.fromPretrained(SD3, { ...INLINE, components: without });
  await expect(lacking.generate('a hut')).rejects.toThrow(/--component tokenizer_3=FOLDER/);
  await using given = await DiffusionPipeline.fromPretrained(SD3, {
    ...INLINE,
    components: { tokenizer_3: join(SD3, 'tokenizer_3'), tokenizer_2: SD3 },
  });
  expect(given.tokenizers['tokenizer_3']!.encode(['a hut'], { maxLength: 4 }).input_ids.dims).toEqual([1, 4]);
  await expect(
    DiffusionPipeline.fromPretrained(SD3, { ...INLINE, components: { tokenizer_3: join(SD3, 'vae') } }),
  ).rejects.toThrow(/components\.tokenizer_3.*the folder of a tokenizer/);
});

/** Matrices in eight-bit floats, each with a scale for all of it; and the same values in float32. */
async function eightBit(): Promise<{
  readonly scaled: Map<string, TensorToWrite>;
  readonly plain: Map<string, TensorToWrite>;
}> {
  const file = await SafetensorsFile.open(join(Z_IMAGE, 'transformer/diffusion_pytorch_model.safetensors'));
  const [scaled, plain] = [new Map<string, TensorToWrite>(), new Map<string, TensorToWrite>()];
  for (const [name, tensor] of await originalTensors(zImage, file, 'model.diffusion_model.')) {
    if (!name.endsWith('.weight') || tensor.shape.length < 2 || tensor.dtype !== 'BF16') {
      for (const tensors of [scaled, plain]) tensors.set(name, tensor);
      continue;
    }
    const values = Float32Array.from(new Uint16Array(Uint8Array.from(tensor.data).buffer), (bits) => widened(bits));
    const scale = Math.fround(values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 448);
    const data = Float8Encoder.e4m3fn.encode(values.map((value) => value / scale));
    scaled.set(name, { dtype: 'F8_E4M3', shape: tensor.shape, data });
    const scales = new Uint8Array(Float32Array.of(scale).buffer);
    scaled.set(name.replace(/weight$/, 'scale_weight'), { dtype: 'F32', shape: [], data: scales });
    const read = decodeFloat8E4m3fn(data).map((value) => value * scale);
    plain.set(name, { dtype: 'F32', shape: tensor.shape, data: new Uint8Array(read.buffer) });
  }
  scaled.set('model.diffusion_model.scaled_fp8', { dtype: 'F8_E4M3', shape: [0], data: new Uint8Array(0) });
  return { scaled, plain };
}

function widened(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
}

test("eight-bit floats with scales, as ComfyUI writes Z-Image's, are the values that both make", async () => {
  const { scaled, plain } = await eightBit();
  const x = Float32Array.from({ length: 16 * 16 }, (_, i) => Math.sin(i));
  const caption = Float32Array.from({ length: 3 * 32 }, (_, i) => Math.cos(i));
  const inputs = {
    x: new Tensor('float32', x, [1, 16, 1, 4, 4]),
    t: new Tensor('float32', Float32Array.of(0.5), [1]),
    'cap_feats.0': new Tensor('float32', caption, [3, 32]),
  };
  const outputs: Float32Array[] = [];
  for (const [name, tensors] of Object.entries({ scaled, plain })) {
    const transformer = await written(`${name}.safetensors`, tensors);
    await using pipe = await DiffusionPipeline.fromPretrained(Z_IMAGE, { ...INLINE, components: { transformer } });
    outputs.push((await pipe.transformer.call(inputs))['sample']!.data as Float32Array);
  }
  const [a, b] = outputs as [Float32Array, Float32Array];
  expect(Math.max(...a.map((value, i) => Math.abs(value - b[i]!)))).toBeLessThan(1e-5);
});

test('a scale for each row is refused, and float32 files compute what the narrower ones do, to the bit', async () => {
  const file = await SafetensorsFile.open(join(Z_IMAGE, 'transformer/diffusion_pytorch_model.safetensors'));
  const [single, wide] = [new Map<string, TensorToWrite>(), new Map<string, TensorToWrite>()];
  for (const [name, { dtype, shape, data }] of await originalTensors(unchanged, file)) {
    single.set(name, { dtype, shape, data });
    const values = dtype === 'BF16' ? Float32Array.from(new Uint16Array(Uint8Array.from(data).buffer), widened) : data;
    wide.set(name, { dtype: 'F32', shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) });
  }
  const weight = 'layers.0.attention.to_q.weight';
  const { shape } = single.get(weight)!;
  single.set(weight, { dtype: 'F8_E4M3', shape, data: new Uint8Array(shape[0]! * shape[1]!) });
  single.set('layers.0.attention.to_q.scale_weight', { dtype: 'F32', shape: [2], data: new Uint8Array(8) });
  const opened = async (transformer: string): Promise<DiffusionPipeline> =>
    DiffusionPipeline.fromPretrained(Z_IMAGE, { ...INLINE, components: { transformer } });
  await expect(opened(await written('rows.safetensors', single))).rejects.toMatchObject({
    code: 'ERR_SAFETENSORS_TENSOR',
    message: expect.stringMatching(/scale_weight.*F32 \[2\]/),
  });
  await using narrow = await DiffusionPipeline.fromPretrained(Z_IMAGE, INLINE);
  await using float32 = await opened(await written('float32.safetensors', wide));
  expect(await pictureOf(float32, { guidanceScale: 0 })).toEqual(await pictureOf(narrow, { guidanceScale: 0 }));
});
