import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  readTensor,
  SafetensorsFile,
  type TensorToWrite,
  type TensorView,
  writeSafetensors,
} from '@thimble/core/plugin';
import { controlNetConfig } from '../src/controlNetConfig.js';
import { ControlNetModel } from '../src/index.js';

const OWN = fileURLToPath(new URL('../../core/test/fixtures/controlnet/controlnet', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'thimble-controlnet-file-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Layers of a resnet: diffusers' name, the original one. */
const RESNET: Readonly<Record<string, string>> = {
  norm1: 'in_layers.0',
  conv1: 'in_layers.2',
  time_emb_proj: 'emb_layers.1',
  norm2: 'out_layers.0',
  conv2: 'out_layers.3',
  conv_shortcut: 'skip_connection',
};

/** What the authors' repository calls a key of diffusers, for two layers in each block: written from their notes, and not from the map under test. */
function originalKey(key: string): string {
  const inner = (rest: string): string => rest.replace(/^[a-z]\w*/, (name) => RESNET[name] ?? name);
  const rules: readonly (readonly [RegExp, (...groups: string[]) => string])[] = [
    [/^time_embedding\.linear_(\d)\.(.*)/, (n, rest) => `time_embed.${n === '1' ? 0 : 2}.${rest}`],
    [/^conv_in\.(.*)/, (rest) => `input_blocks.0.0.${rest}`],
    [/^controlnet_cond_embedding\.conv_in\.(.*)/, (rest) => `input_hint_block.0.${rest}`],
    [/^controlnet_cond_embedding\.blocks\.(\d+)\.(.*)/, (i, rest) => `input_hint_block.${2 + 2 * Number(i)}.${rest}`],
    [/^controlnet_cond_embedding\.conv_out\.(.*)/, (rest) => `input_hint_block.14.${rest}`],
    [/^controlnet_down_blocks\.(\d+)\.(.*)/, (i, rest) => `zero_convs.${i}.0.${rest}`],
    [/^controlnet_mid_block\.(.*)/, (rest) => `middle_block_out.0.${rest}`],
    [/^mid_block\.resnets\.(\d)\.(.*)/, (i, rest) => `middle_block.${2 * Number(i)}.${inner(rest)}`],
    [/^mid_block\.attentions\.0\.(.*)/, (rest) => `middle_block.1.${rest}`],
    [
      /^down_blocks\.(\d)\.resnets\.(\d)\.(.*)/,
      (b, i, rest) => `input_blocks.${1 + 3 * Number(b) + Number(i)}.0.${inner(rest)}`,
    ],
    [
      /^down_blocks\.(\d)\.attentions\.(\d)\.(.*)/,
      (b, i, rest) => `input_blocks.${1 + 3 * Number(b) + Number(i)}.1.${rest}`,
    ],
    [
      /^down_blocks\.(\d)\.downsamplers\.0\.conv\.(.*)/,
      (b, rest) => `input_blocks.${3 * (Number(b) + 1)}.0.op.${rest}`,
    ],
  ];
  for (const [pattern, rename] of rules) {
    const match = pattern.exec(key);
    if (match !== null) return rename(...match.slice(1));
  }
  throw new Error(`no original name for ${key}`);
}

async function rewrite(name: string, rename: (key: string) => string): Promise<string> {
  const { tensors } = await SafetensorsFile.open(join(OWN, 'diffusion_pytorch_model.safetensors'));
  const renamed: [string, TensorToWrite][] = [];
  for (const [key, view] of tensors) renamed.push([rename(key), { ...view, data: await readTensor(view) }]);
  const path = join(folder, name);
  await writeSafetensors(path, Object.fromEntries(renamed));
  return path;
}

describe('a ControlNet in a file', () => {
  let stored: ReadonlyMap<string, TensorView>;
  beforeAll(async () => {
    stored = (await ControlNetModel.fromPretrained(OWN)).checkpoint.tensors;
  });

  test.each([
    ["the authors' keys, as their files have them", (key: string) => `control_model.${originalKey(key)}`],
    ["the authors' keys alone", originalKey],
    ["diffusers' keys", (key: string) => key],
  ])('is found by %s', async (name, rename) => {
    const file = await rewrite(`${name.replaceAll(/\W/g, '')}.safetensors`, rename);
    const { model, checkpoint } = await ControlNetModel.fromPretrained(file, { config: OWN });
    expect(model.config).toMatchObject({ attention_head_dim: 4, norm_num_groups: 8 });
    expect([...checkpoint.tensors.keys()].sort()).toEqual([...stored.keys()].sort());
    for (const [key, view] of checkpoint.tensors) {
      expect(view.file).toBe(file);
      expect(await readTensor(view)).toEqual(await readTensor(stored.get(key)!));
    }
  });

  test('says by its tensors how it is built, but for what no shape shows', async () => {
    const { config } = (await ControlNetModel.fromPretrained(OWN)).model;
    expect(controlNetConfig(stored)).toMatchObject({
      block_out_channels: config['block_out_channels'],
      conditioning_embedding_out_channels: config['conditioning_embedding_out_channels'],
      down_block_types: config['down_block_types'],
      cross_attention_dim: config['cross_attention_dim'],
      layers_per_block: [2, 2, 2],
    });
  });
});

describe.each([
  ['Stable Diffusion 1', { cross_attention_dim: 768 }],
  [
    'Stable Diffusion 2',
    { cross_attention_dim: 1024, attention_head_dim: [5, 10, 20, 20], use_linear_projection: true },
  ],
  [
    'Stable Diffusion XL',
    {
      cross_attention_dim: 2048,
      block_out_channels: [320, 640, 1280],
      down_block_types: ['DownBlock2D', 'CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
      attention_head_dim: [5, 10, 20],
      transformer_layers_per_block: [1, 2, 10],
      use_linear_projection: true,
      addition_embed_type: 'text_time',
      addition_time_embed_dim: 256,
      projection_class_embeddings_input_dim: 2816,
    },
  ],
  [
    'Stable Diffusion XL, a small one',
    {
      cross_attention_dim: 2048,
      block_out_channels: [320, 640, 1280],
      down_block_types: ['DownBlock2D', 'DownBlock2D', 'DownBlock2D'],
      mid_block_type: 'UNetMidBlock2D',
      attention_head_dim: [5, 10, 20],
      addition_embed_type: 'text_time',
      addition_time_embed_dim: 256,
      projection_class_embeddings_input_dim: 2816,
    },
  ],
])('the config of one for %s', (_, config) => {
  test('is told by its tensors', () => {
    const { parameters } = ControlNetModel.fromConfig(config);
    const tensors = new Map(parameters.map(({ key, shape }) => [key, { name: key, shape } as unknown as TensorView]));
    const told = controlNetConfig(tensors)!;
    expect(ControlNetModel.fromConfig(told).parameters.map(({ key, shape }) => [key, shape])).toEqual(
      parameters.map(({ key, shape }) => [key, shape]),
    );
    const heads = config as { readonly attention_head_dim?: readonly number[] };
    expect(told['attention_head_dim']).toEqual(heads.attention_head_dim ?? 8);
    expect(told['cross_attention_dim']).toBe(config.cross_attention_dim);
  });
});

test('a file without an embedding of pictures has no config', () => {
  expect(controlNetConfig(new Map())).toBeUndefined();
});
