import { describe, expect, test } from '@jest/globals';
import type { Graph } from '../../src/graph/Graph.js';
import { UNet2DConditionModel } from '../../src/models/UNet2DConditionModel.js';

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
    [null, false],
  ])('mid_block_type %p', (type, present) => {
    const config = type === undefined ? CONFIG : { ...CONFIG, mid_block_type: type };
    const keys = UNet2DConditionModel.fromConfig(config).parameters.map(({ key }) => key);
    expect(keys.some((key) => key.startsWith('mid_block.'))).toBe(present);
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

  test('joins large skip connections in a segment before the block, so that what is joined is gone while it computes; small ones within', () => {
    const large = segmentsOf(CONFIG, { ...INPUTS, sample: { type: 'float32', dims: [1, 4, 1600, 1400] } });
    const joins = [...large.values()].filter(({ name }) => name.endsWith('.concat'));
    expect(joins.map(({ name }) => name)).toEqual(['up_blocks.1.resnets.0.concat', 'up_blocks.1.resnets.1.concat']);
    for (const { nodes, inputs } of joins) {
      expect(nodes.map(({ op }) => op)).toEqual(['Concat', 'Identity']);
      expect(inputs.map(({ name }) => name)).toEqual(['x', 'skip']);
    }
    expect(large.get('up_blocks.1.resnets.0')!.inputs.map(({ name }) => name)).toEqual(['x', 'temb']);
    expect(
      segmentsOf(CONFIG)
        .get('up_blocks.1.resnets.0')!
        .inputs.map(({ name }) => name),
    ).toEqual(['x', 'skip', 'temb']);
    expect([...large.keys()].filter((name) => !name.endsWith('.concat'))).toEqual([...segmentsOf(CONFIG).keys()]);
  });
});
