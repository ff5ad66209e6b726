import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, Tensor, TorchGenerator } from '@thimble/core';
import { type Graph } from '@thimble/core/plugin';
import {
  ATTENTION_BACKENDS,
  MemoryEfficientAttentionPlugin,
  type MemoryEfficientAttentionOptions,
} from '../src/index.js';

const MODEL = fileURLToPath(new URL('../../core/test/fixtures/sd-tiny', import.meta.url));
const LATENTS = { numInferenceSteps: 2, seed: 7, outputType: 'tensor' } as const;
let pipe: DiffusionPipeline;

afterEach(async () => {
  await pipe?.dispose();
});

async function open(options: Parameters<typeof DiffusionPipeline.fromPretrained>[1] = {}): Promise<DiffusionPipeline> {
  pipe = await DiffusionPipeline.fromPretrained(MODEL, { deviceOptions: { inline: true, threads: 1 }, ...options });
  return pipe;
}

async function picture(): Promise<Float32Array> {
  return (await pipe.generate('a red fox', LATENTS)).images.data as Float32Array;
}

function distance(a: Float32Array, b: Float32Array): number {
  return a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0);
}

/** Graphs of a component as they are after all passes. */
function watchGraphs(): Map<string, Graph> {
  const graphs = new Map<string, Graph>();
  pipe.hooks.transformGraph.tap({ name: 'watch', stage: 'tracing' }, (graph, { component, segment }) => {
    graphs.set(`${component}/${segment}`, graph);
    return undefined;
  });
  return graphs;
}

const count = (graphs: Map<string, Graph>, component: string, op: string): number =>
  [...graphs]
    .filter(([name]) => name.startsWith(`${component}/`))
    .reduce((sum, [, { nodes }]) => sum + nodes.filter((node) => node.op === op).length, 0);

describe.each(ATTENTION_BACKENDS)('%s', (backend) => {
  test('gives the same picture within tolerance, and removed the same bits', async () => {
    await open();
    const plain = await picture();
    const plugin = await pipe.use(new MemoryEfficientAttentionPlugin({ backend }));
    expect(distance(await picture(), plain)).toBeLessThan(5e-5);
    await plugin.remove();
    expect(await picture()).toEqual(plain);
  });

  test('leaves no attention to core', async () => {
    await open();
    const graphs = watchGraphs();
    await pipe.use(new MemoryEfficientAttentionPlugin({ backend }));
    await picture();
    for (const component of ['unet', 'vae', 'text_encoder']) {
      expect(count(graphs, component, 'Attention')).toBe(0);
      expect(count(graphs, component, 'Softmax') + count(graphs, component, 'MultiHeadAttention')).toBeGreaterThan(0);
    }
  });
});

test('touches only the components that are named', async () => {
  await open();
  const graphs = watchGraphs();
  await pipe.use(new MemoryEfficientAttentionPlugin({ backend: 'math', components: ['unet'] }));
  await picture();
  expect(count(graphs, 'unet', 'Attention')).toBe(0);
  expect(count(graphs, 'vae', 'Attention')).toBeGreaterThan(0);
});

test('flash fuses large self-attention, of one head of the whole width too, within the tolerance of the kernel', async () => {
  await open({ components: ['vae', 'unet'] });
  const graphs = watchGraphs();
  const vae = pipe.components['vae']!;
  // 56 × 56 latents are 3136 tokens.
  const z = new TorchGenerator(1).randn([1, 4, 56, 56]);
  const plain = (await vae.decode({ z })).sample.data as Float32Array;
  expect(count(graphs, 'vae', 'MultiHeadAttention')).toBe(0);
  const plugin = await pipe.use(new MemoryEfficientAttentionPlugin());
  const fused = (await vae.decode({ z })).sample.data as Float32Array;
  expect(count(graphs, 'vae', 'MultiHeadAttention')).toBe(1);
  expect(distance(fused, plain)).toBeLessThan(1e-5);
  await plugin.remove();
  expect((await vae.decode({ z })).sample.data).toEqual(plain);
});

test('slices are as many as diffusers makes, and follow the memory limit', async () => {
  await open({ components: ['unet'], memoryLimit: '2GB' });
  const graphs = watchGraphs();
  const generator = new TorchGenerator(1);
  const inputs = {
    sample: generator.randn([2, 4, 16, 16]),
    timestep: new Tensor('int64', BigInt64Array.of(5n), [1]),
    encoder_hidden_states: generator.randn([2, 77, Number(pipe.components['unet']!.config['cross_attention_dim'])]),
  };
  const attentions = 2 * pipe.components['unet']!.segments.filter(({ name }) => name.includes('attentions')).length;
  const heads = Number([pipe.components['unet']!.config['attention_head_dim']].flat()[0]);
  for (const [sliceSize, slices] of [
    ['max', 2 * heads],
    ['auto', 4],
    [2 * heads, 1],
  ] as const) {
    graphs.clear();
    const plugin = await pipe.use(new MemoryEfficientAttentionPlugin({ backend: 'sliced', sliceSize }));
    await pipe.components['unet']!.call(inputs);
    expect(count(graphs, 'unet', 'Softmax')).toBe(slices * attentions);
    await plugin.remove();
  }
});

test.each<[unknown, string]>([
  [{ backend: 'xformers' }, 'backend'],
  [{ backend: 'sliced', sliceSize: 0 }, 'sliceSize'],
  [{ backend: 'sliced', sliceSize: 'half' }, 'sliceSize'],
  [{ backend: 'flash', sliceSize: 2 }, 'sliceSize'],
  [{ components: 'unet' }, 'components'],
])('refuses %j', (options, argument) => {
  expect(() => new MemoryEfficientAttentionPlugin(options as MemoryEfficientAttentionOptions)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', details: expect.objectContaining({ argument }) }),
  );
});
