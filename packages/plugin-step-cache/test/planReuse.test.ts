import { expect, test } from '@jest/globals';
import { planReuse } from '../src/planReuse.js';

function plan(names: readonly string[], depth: number): ReturnType<typeof planReuse> {
  return planReuse({ segments: names.map((name) => ({ name })) as never }, depth);
}

function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${name}.${i}`);
}

/** Two levels of one layer down and two up, the inner one with attention of two blocks. */
const UNET = [
  'time_embedding',
  'conv_in',
  'down_blocks.0.resnets.0',
  'down_blocks.0.downsamplers.0',
  'down_blocks.1.resnets.0',
  'down_blocks.1.attentions.0.proj_in',
  'down_blocks.1.attentions.0.transformer_blocks.0',
  'down_blocks.1.attentions.0.proj_out',
  'mid_block.resnets.0',
  'up_blocks.0.resnets.0',
  'up_blocks.0.attentions.0.proj_in',
  'up_blocks.0.attentions.0.proj_out',
  'up_blocks.0.resnets.1',
  'up_blocks.0.attentions.1.proj_in',
  'up_blocks.0.attentions.1.proj_out',
  'up_blocks.0.upsamplers.0',
  'up_blocks.1.resnets.0',
  'up_blocks.1.resnets.1',
  'conv_norm_out',
];

test.each([
  // The last layer takes back what conv_in gives.
  [1, 'up_blocks.1.resnets.0', ['time_embedding', 'conv_in', 'up_blocks.1.resnets.1', 'conv_norm_out']],
  // The one before what the first layer gives.
  [2, 'up_blocks.0.upsamplers.0', ['time_embedding', 'conv_in', 'down_blocks.0.resnets.0', ...UNET.slice(16)]],
  // And the one before that what the downsampler gives.
  [3, 'up_blocks.0.attentions.0.proj_out', [...UNET.slice(0, 4), ...UNET.slice(12)]],
])('a UNet at depth %d', (depth, bridge, computed) => {
  const { skipped, ...rest } = plan(UNET, depth)!;
  expect(UNET.filter((name) => !skipped.has(name))).toEqual(computed);
  expect(rest).toEqual({ bridge });
});

test.each([
  [
    'Stable Diffusion 3',
    ['pos_embed', ...numbered('transformer_blocks', 3), 'norm_out'],
    1,
    ['pos_embed', 'transformer_blocks.0', 'norm_out'],
  ],
  [
    'CogVideoX',
    ['patch_embed', ...numbered('transformer_blocks', 3), 'norm_out', 'proj_out'],
    2,
    ['patch_embed', 'transformer_blocks.0', 'transformer_blocks.1', 'norm_out', 'proj_out'],
  ],
  [
    'FLUX',
    [
      'x_embedder',
      ...numbered('transformer_blocks', 2),
      'joint',
      ...numbered('single_transformer_blocks', 2),
      'norm_out',
    ],
    1,
    ['x_embedder', 'transformer_blocks.0', 'norm_out'],
  ],
  [
    'Z-Image',
    ['t_embedder', 'noise_refiner.0', 'unified', ...numbered('layers', 3), 'all_final_layer.2-1'],
    1,
    ['t_embedder', 'noise_refiner.0', 'unified', 'layers.0', 'all_final_layer.2-1'],
  ],
])('%s', (_model, names, depth, computed) => {
  const { skipped, bridge, head } = plan(names, depth)!;
  expect(names.filter((name) => !skipped.has(name))).toEqual(computed);
  expect(skipped.has(bridge)).toBe(true);
  expect(head).toEqual({
    first: computed.find((name) => /(blocks|layers)\.0$/.test(name)),
    last: expect.stringMatching(new RegExp(`\\.${depth - 1}$`)),
  });
});

test('no plan for other models, and none without anything to pass over', () => {
  expect(plan(['text_model.encoder.layers.0'], 1)).toBeUndefined();
  expect(plan(['transformer_blocks.0', 'norm_out'], 1)).toBeUndefined();
  for (const [names, depth, most] of [
    [UNET, 4, 4],
    [numbered('layers', 3), 3, 3],
  ] as const)
    expect(() => plan(names, depth)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', message: expect.stringContaining(`less than ${most}`) }),
    );
});
