import { describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { repeatBatch } from '../../src/execution/batch.js';
import type { Graph } from '../../src/graph/Graph.js';
import { UNet2DConditionModel } from '../../src/models/UNet2DConditionModel.js';
import { fixturePath } from '../support/fixturePath.js';
import { openComponent } from '../support/openComponent.js';

const CONFIG = {
  block_out_channels: [8, 16],
  norm_num_groups: 4,
  attention_head_dim: 2,
  cross_attention_dim: 8,
  layers_per_block: 1,
  down_block_types: ['CrossAttnDownBlock2D', 'DownBlock2D'],
  up_block_types: ['UpBlock2D', 'CrossAttnUpBlock2D'],
};
const INPUTS = {
  sample: { type: 'float32', dims: [1, 4, 8, 8] },
  timestep: { type: 'int64', dims: [1] },
  encoder_hidden_states: { type: 'float32', dims: [1, 3, 8] },
} as const;

function segmentsOf(
  config: Record<string, unknown>,
  inputs: Parameters<UNet2DConditionModel['outline']>[1] = INPUTS,
): ReadonlyMap<string, Graph> {
  const model = UNet2DConditionModel.fromConfig(config);
  const graphs = new Map<string, Graph>();
  model.outline(model.entries['call']!, inputs, (graph) => void graphs.set(graph.name, graph));
  return graphs;
}

describe('UNet2DConditionModel', () => {
  test.each([
    [undefined, true],
    ['UNetMidBlock2DCrossAttn', true],
    ['UNetMidBlock2D', true],
    [null, false],
  ])('mid_block_type %p', (type, present) => {
    const config = type === undefined ? CONFIG : { ...CONFIG, mid_block_type: type };
    const keys = UNet2DConditionModel.fromConfig(config).parameters.map(({ key }) => key);
    expect(keys.some((key) => key.startsWith('mid_block.'))).toBe(present);
    expect(keys.some((key) => key.startsWith('mid_block.attentions.'))).toBe(present && type !== 'UNetMidBlock2D');
    expect([...segmentsOf(config).keys()].some((name) => name.startsWith('mid_block.'))).toBe(present);
  });

  test('act_fn holds for the time embedding too', () => {
    const graphs = [...segmentsOf({ ...CONFIG, act_fn: 'mish' }).values()].filter(
      ({ name }) => name.startsWith('time_embedding') || name.includes('resnets'),
    );
    const operations = graphs.flatMap(({ nodes }) => nodes.map(({ op }) => op));
    expect(graphs.length).toBeGreaterThan(1);
    expect(operations).toContain('Mish');
    expect(operations).not.toContain('Sigmoid');
  });

  test('has a segment for each layer of a transformer of several, and one for a transformer of one layer', () => {
    const names = [...segmentsOf({ ...CONFIG, transformer_layers_per_block: [2, 1] }).keys()];
    const of = (path: string): string[] => names.filter((name) => name.startsWith(`${path}.`) || name === path);
    const parts = ['proj_in', 'transformer_blocks.0', 'transformer_blocks.1', 'proj_out'];
    expect(of('down_blocks.0.attentions.0')).toEqual(parts.map((part) => `down_blocks.0.attentions.0.${part}`));
    expect(of('mid_block.attentions.0')).toEqual(['mid_block.attentions.0']);
  });

  describe('transformer_layers_per_block', () => {
    const DEEP = {
      ...CONFIG,
      down_block_types: ['CrossAttnDownBlock2D', 'CrossAttnDownBlock2D'],
      up_block_types: ['CrossAttnUpBlock2D', 'CrossAttnUpBlock2D'],
      layers_per_block: 2,
    };
    const keysOf = (fields: Record<string, unknown>): string[] =>
      UNet2DConditionModel.fromConfig({ ...DEEP, ...fields }).parameters.map(({ key }) => key);
    const layersOf = (fields: Record<string, unknown>, path: string): number =>
      new Set(
        keysOf(fields).flatMap((key) => key.match(new RegExp(`^${path}\\.transformer_blocks\\.(\\d+)\\.`))?.[1] ?? []),
      ).size;

    test('as lists of lists is the same as as numbers, where the attentions of a block are alike', () => {
      const nested = {
        transformer_layers_per_block: [
          [1, 1],
          [3, 3],
        ],
        reverse_transformer_layers_per_block: [[3, 3, 3], 1],
      };
      expect(keysOf(nested)).toEqual(keysOf({ transformer_layers_per_block: [1, 3] }));
    });

    test('each attention has its own number', () => {
      const fields = {
        transformer_layers_per_block: [1, [2, 3]],
        reverse_transformer_layers_per_block: [[4, 5, 6], 1],
      };
      const paths = [
        'down_blocks.0.attentions.1',
        'down_blocks.1.attentions.0',
        'down_blocks.1.attentions.1',
        'mid_block.attentions.0',
        'up_blocks.0.attentions.0',
        'up_blocks.0.attentions.2',
        'up_blocks.1.attentions.1',
      ];
      expect(paths.map((path) => layersOf(fields, path))).toEqual([1, 2, 3, 2, 4, 6, 1]);
    });

    test.each([
      ['reverse_transformer_layers_per_block', { transformer_layers_per_block: [1, [2, 3]] }],
      ['transformer_layers_per_block', { transformer_layers_per_block: [1, [2, 3, 4]] }],
      ['transformer_layers_per_block', { transformer_layers_per_block: [1, 0] }],
      ['transformer_layers_per_block', { transformer_layers_per_block: [1] }],
    ])('%s of %j is refused', (field, fields) => {
      expect(() => UNet2DConditionModel.fromConfig({ ...DEEP, ...fields })).toThrow(field);
    });
  });

  test('the conditions of one sample go for all of a batch', async () => {
    const unet = await openComponent(fixturePath('sdxl-tiny'), 'unet');
    try {
      const random = (...dims: number[]): Tensor =>
        new Tensor(
          'float32',
          Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(i)),
          dims,
        );
      const inputs = {
        sample: random(2, 4, 8, 8),
        timestep: new Tensor('int64', BigInt64Array.of(9n), [1]),
        encoder_hidden_states: random(2, 3, 80),
      };
      const [text_embeds, time_ids] = [
        random(1, 40),
        new Tensor('float32', Float32Array.of(64, 64, 0, 0, 64, 64), [1, 6]),
      ];
      const call = async (texts: number, sizes: number): Promise<number[]> =>
        Array.from(
          (
            await unet.call({
              ...inputs,
              text_embeds: repeatBatch(text_embeds, texts),
              time_ids: repeatBatch(time_ids, sizes),
            })
          )['sample']!.data as Float32Array,
        );
      const distance = (a: readonly number[], b: readonly number[]): number =>
        Math.max(...a.map((value, i) => Math.abs(value - b[i]!)));
      const each = await call(2, 2);
      expect(distance(await call(1, 1), each)).toBeLessThan(1e-4);
      expect(distance(await call(2, 1), each)).toBeLessThan(1e-4);
      expect(distance(await call(1, 2), each)).toBeLessThan(1e-4);
      await expect(unet.call({ ...inputs, text_embeds, time_ids: random(1, 5) })).rejects.toThrow(
        '[1, 40]; expected float32 [batch = 2, pooled = 48]',
      );
    } finally {
      await unet.unload();
    }
  });
});
