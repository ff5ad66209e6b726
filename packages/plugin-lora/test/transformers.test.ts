import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, Tensor } from '@thimble/core';
import { readWeight, SafetensorsFile } from '@thimble/core/plugin';
import { GgufPlugin } from '@thimble/plugin-gguf';
import { LoraPlugin } from '../src/index.js';
import { FIXTURES } from './LoraFixture.js';
import { randomTensors, writeLora } from './RandomLora.js';

const folder = mkdtempSync(join(tmpdir(), 'thimble-lora-transformers-'));
const pipes = new Map<string, DiffusionPipeline>();

beforeAll(() => {
  process.env['THIMBLE_CACHE'] = join(folder, 'cache');
});
afterAll(async () => {
  for (const pipe of pipes.values()) await pipe.dispose();
  delete process.env['THIMBLE_CACHE'];
  rmSync(folder, { recursive: true, force: true });
});

async function open(name: string): Promise<DiffusionPipeline> {
  const known = pipes.get(name);
  if (known !== undefined) return known;
  const pipe = await DiffusionPipeline.fromPretrained(join(FIXTURES, name), {
    components: ['transformer'],
    deviceOptions: { inline: true, threads: 1 },
  });
  pipes.set(name, pipe);
  return pipe;
}

/** What is added to the weights of these layers by a file whose layers are called so. */
async function changesBy(
  model: string,
  names: Readonly<Record<string, readonly [rows: number, columns: number]>>,
  layers: readonly string[],
): Promise<readonly Float32Array[]> {
  const pipe = await open(model);
  const component = pipe.components['transformer']!;
  const shapes = Object.entries(names).flatMap(([name, [rows, columns]]): [string, number[]][] => [
    [`${name}.lora_A.weight`, [2, columns]],
    [`${name}.lora_B.weight`, [rows, 2]],
  ]);
  const file = await writeLora(folder, 'names', randomTensors(Object.fromEntries(shapes), 0.5));
  const weightsOf = async (): Promise<readonly Float32Array[]> => {
    const found: Float32Array[] = [];
    for (const layer of layers) found.push(await readWeight(component.weights.find(`${layer}.weight`)!));
    return found;
  };
  const before = await weightsOf();
  const plugin = await pipe.use(new LoraPlugin([{ file }], { mode: 'fuse' }));
  const after = await weightsOf();
  await plugin.remove();
  return after.map((values, at) => values.map((value, i) => value - before[at]![i]!));
}

const ATTENTION = ['to_q', 'to_k', 'to_v'].map((name) => `layers.1.attention.${name}`);

test.each([
  ["ComfyUI's", 'diffusion_model.layers.1.attention.qkv'],
  ["kohya's", 'lora_unet_layers_1_attention_qkv'],
  ["the authors'", 'layers.1.attention.qkv'],
])("Z-Image's fused layers by %s names change queries, keys and values", async (_, name) => {
  const fused = await changesBy('z-image-tiny', { [name]: [144, 48] }, ATTENTION);
  const [query, key, value] = fused as [Float32Array, Float32Array, Float32Array];
  for (const part of fused) expect(part.some((each) => Math.abs(each) > 0.1)).toBe(true);
  expect(query).not.toEqual(key);
  expect(key).not.toEqual(value);
  expect(fused).toEqual(
    await changesBy('z-image-tiny', { 'transformer.layers.1.attention.qkv': [144, 48] }, ATTENTION),
  );
});

test.each([
  ["ComfyUI's", 'diffusion_model.single_blocks.1.linear1'],
  ["kohya's", 'lora_unet_single_blocks_1_linear1'],
])("FLUX.1's fused layers by %s names change queries, keys, values and the feed-forward", async (_, name) => {
  const layers = ['attn.to_q', 'attn.to_k', 'attn.to_v', 'proj_mlp'].map(
    (layer) => `single_transformer_blocks.1.${layer}`,
  );
  const parts = await changesBy('flux-schnell-tiny', { [name]: [7 * 48, 48] }, layers);
  expect(parts.map((part) => part.length / 48)).toEqual([48, 48, 48, 4 * 48]);
  for (const part of parts) expect(part.some((each) => Math.abs(each) > 0.1)).toBe(true);
  expect(new Set(parts.map((part) => part[0])).size).toBe(4);
});

test.each([
  ["diffusers'", (layer: string) => `transformer.${layer}`],
  ["ComfyUI's", (layer: string) => `diffusion_model.${layer}`],
  ["PEFT's", (layer: string) => `base_model.model.${layer}`],
  ["kohya's", (layer: string) => `lora_unet_${layer.replaceAll('.', '_')}`],
  ["LyCORIS's", (layer: string) => `lycoris_${layer.replaceAll('.', '_')}`],
  ['no', (layer: string) => layer],
])("layers of klein by %s prefix are those of diffusers' names", async (_, nameOf) => {
  const layers: Readonly<Record<string, readonly [number, number]>> = {
    'transformer_blocks.1.attn.to_q': [48, 48],
    'transformer_blocks.0.ff_context.linear_in': [288, 48],
    'single_transformer_blocks.2.attn.to_qkv_mlp_proj': [432, 48],
    'single_transformer_blocks.0.attn.to_out': [48, 192],
  };
  const named = Object.fromEntries(Object.entries(layers).map(([layer, size]) => [nameOf(layer), size]));
  const changes = await changesBy('flux2-klein-tiny', named, Object.keys(layers));
  for (const change of changes) expect(change.some((each) => Math.abs(each) > 0.1)).toBe(true);
  expect(changes).toEqual(await changesBy('flux2-klein-tiny', layers, Object.keys(layers)));
});

test("klein's layers by its authors' names are those of diffusers', fused and with their halves the other way round", async () => {
  const original = {
    'diffusion_model.double_blocks.1.img_attn.qkv': [144, 48],
    'diffusion_model.double_blocks.0.txt_mlp.0': [288, 48],
    'diffusion_model.single_blocks.2.linear1': [432, 48],
    'diffusion_model.final_layer.adaLN_modulation.1': [96, 48],
  } as const;
  const layers = [
    ...['to_q', 'to_k', 'to_v'].map((name) => `transformer_blocks.1.attn.${name}`),
    'transformer_blocks.0.ff_context.linear_in',
    'single_transformer_blocks.2.attn.to_qkv_mlp_proj',
    'norm_out.linear',
  ];
  const changes = await changesBy('flux2-klein-tiny', original, layers);
  const bySize = await changesBy(
    'flux2-klein-tiny',
    {
      nothing: [144, 48],
      'transformer_blocks.0.ff_context.linear_in': [288, 48],
      'single_transformer_blocks.2.attn.to_qkv_mlp_proj': [432, 48],
      'norm_out.linear': [96, 48],
    },
    layers.slice(3),
  );
  for (const change of changes) expect(change.some((each) => Math.abs(each) > 0.1)).toBe(true);
  expect(changes.slice(3, 5)).toEqual(bySize.slice(0, 2));
  const [shiftFirst, scaleFirst] = [changes[5]!, bySize[2]!];
  const half = shiftFirst.length / 2;
  // What is merged is rounded to float16, beside weights that differ.
  for (let i = 0; i < half; i++) expect(Math.abs(shiftFirst[i]! - scaleFirst[half + i]!)).toBeLessThan(2e-3);
});

describe('over blocks of a few bits', () => {
  test('a LoRA beside the layers is one that was merged into what they stand for', async () => {
    const gguf = join(FIXTURES, 'gguf');
    const { calls } = JSON.parse(readFileSync(join(gguf, 'case.json'), 'utf8')) as {
      calls: readonly { name: string; args: { file: string }; in: Record<string, string> }[];
    };
    const call = calls.find(({ name }) => name === 'z-image.transformer')!;
    const tensors = await SafetensorsFile.open(join(gguf, 'case.safetensors'));
    const inputs: Record<string, Tensor> = {};
    for (const [name, key] of Object.entries(call.in)) {
      const { shape, dtype } = tensors.tensor(key);
      const { buffer } = await tensors.read(key);
      inputs[name] =
        dtype === 'F32'
          ? new Tensor('float32', new Float32Array(buffer), shape)
          : new Tensor('int64', new BigInt64Array(buffer as ArrayBuffer), shape);
    }
    const pipe = await DiffusionPipeline.fromPretrained(join(gguf, call.args.file), {
      config: join(gguf, call.args.file, '..'),
      plugins: [new GgufPlugin()],
      deviceOptions: { inline: true, threads: 1 },
    });
    pipes.set('gguf', pipe);
    const transformer = pipe.components['transformer']!;
    const outputOf = async (): Promise<Float32Array> =>
      (await transformer.call(inputs))['sample']!.data as Float32Array;
    const [rows, columns] = transformer.weights.find('layers.0.attention.to_q.weight')!.shape as [number, number];
    const file = await writeLora(
      folder,
      'blocks',
      randomTensors({
        'diffusion_model.layers.0.attention.qkv.lora_A.weight': [2, columns],
        'diffusion_model.layers.0.attention.qkv.lora_B.weight': [3 * rows, 2],
      }),
    );
    const plain = await outputOf();
    const outputs: Float32Array[] = [];
    for (const mode of ['branch', 'fuse'] as const) {
      const plugin = await pipe.use(new LoraPlugin([{ file }], { mode }));
      outputs.push(await outputOf());
      await plugin.remove();
    }
    const [branch, fuse] = outputs as [Float32Array, Float32Array];
    const largest = (a: Float32Array, b: Float32Array): number =>
      a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
    // What is merged is stored in float16.
    expect(largest(branch, fuse)).toBeLessThan(largest(branch, plain) / 50);
    expect(await outputOf()).toEqual(plain);
  });
});
