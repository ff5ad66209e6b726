import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, type ProgressEvent, Tensor, TorchGenerator, UNet2DConditionModel } from '@thimble/core';
import { type Graph, SafetensorsFile } from '@thimble/core/plugin';
import { CODE_LIMITS, type CodeLimits } from '../src/CodeLimits.js';
import { DEFAULT_KEEP, Int8ComputePlugin, type Int8ComputeOptions, measureSensitivity } from '../src/index.js';
import { forceSums } from './support/forceSums.js';
import { SD_TINY } from './support/SD_TINY.js';

const cache = mkdtempSync(join(tmpdir(), 'thimble-int8-'));
const environment = process.env['THIMBLE_CACHE'];
/** Even the fixture's small layers, and on any processor. */
const ALL: Int8ComputeOptions = { minimumOperations: 0, force: true };
const TINY = { width: 64, height: 64, numInferenceSteps: 2, seed: 1, outputType: 'tensor' as const };
let pipe: DiffusionPipeline;

beforeEach(() => {
  process.env['THIMBLE_CACHE'] = cache;
});
afterEach(async () => {
  await pipe?.dispose();
  if (environment === undefined) delete process.env['THIMBLE_CACHE'];
  else process.env['THIMBLE_CACHE'] = environment;
});
afterAll(() => rmSync(cache, { recursive: true, force: true }));

async function open(options: Parameters<typeof DiffusionPipeline.fromPretrained>[1] = {}): Promise<DiffusionPipeline> {
  pipe = await DiffusionPipeline.fromPretrained(SD_TINY, { deviceOptions: { inline: true, threads: 1 }, ...options });
  return pipe;
}

async function picture(): Promise<Float32Array> {
  return (await pipe.generate('a cat', TINY)).images.data as Float32Array;
}

function unetInputs(batch: number, height: number, width: number): Record<string, Tensor> {
  const generator = new TorchGenerator(3);
  return {
    sample: generator.randn([batch, 4, height, width]),
    timestep: new Tensor('int64', BigInt64Array.of(500n), [1]),
    encoder_hidden_states: generator.randn([
      batch,
      77,
      pipe.components['unet']!.config['cross_attention_dim'] as number,
    ]),
  };
}

/** How much louder a signal is than its distance from another, in decibels. */
function decibels(signal: Float32Array, other: Float32Array): number {
  expect(other).toHaveLength(signal.length);
  const power = (of: (i: number) => number): number => signal.reduce((sum, _, i) => sum + of(i) ** 2, 0);
  return 10 * Math.log10(power((i) => signal[i]!) / power((i) => signal[i]! - other[i]!));
}

/** Graphs of a component as they are after all passes. */
function watchGraphs(component: string): Map<string, Graph> {
  const graphs = new Map<string, Graph>();
  pipe.hooks.transformGraph.tap({ name: 'watch', stage: 'tracing' }, (graph, context) => {
    if (context.component === component && context.partial !== true) graphs.set(graph.name, graph);
    return undefined;
  });
  return graphs;
}

function filesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.safetensors'))
    .sort();
}

const opsOf = (graphs: ReadonlyMap<string, Graph>, segment: string): readonly string[] =>
  graphs.get(segment)!.nodes.map(({ op }) => op);

describe.each([
  ['exact', 18],
  // Weights' steps are at most twice as large as where sums are exact, so that at most 6 dB are lost.
  ['paired', 18 - 6],
  ['saturating', 18 - 6],
] as const)('a UNet in int8, where sums are %s', (sums, least) => {
  test.each([
    [1, 8, 8],
    [2, 8, 8],
    [1, 9, 7],
    [2, 16, 24],
  ])('is close to float32, for %i × %i × %i latents, and removed gives the same bits', async (batch, height, width) => {
    await open({ components: ['unet'] });
    const inputs = unetInputs(batch, height, width);
    const unet = pipe.components['unet']!;
    const plain = (await unet.call(inputs))['sample']!;
    forceSums(pipe, sums);
    const plugin = await pipe.use(new Int8ComputePlugin(ALL));
    const int8 = (await unet.call(inputs))['sample']!;
    expect(int8.dims).toEqual(plain.dims);
    expect(decibels(plain.data as Float32Array, int8.data as Float32Array)).toBeGreaterThan(least);
    expect(int8.data).not.toEqual(plain.data);
    await plugin.remove();
    expect((await unet.call(inputs))['sample']!.data).toEqual(plain.data);
  });
});

describe('a UNet in int8', () => {
  test('leaves one of the same model alone that another plugin opened', async () => {
    const unet = await UNet2DConditionModel.fromPretrained(SD_TINY, { subfolder: 'unet' });
    await open({
      components: { unet },
      plugins: [
        { name: 'test:opening', apply: async ({ pipeline }) => void (await pipeline.open('unet_2', unet)) },
        new Int8ComputePlugin({ ...ALL, components: ['unet'] }),
      ],
    });
    const sampleOf = async (name: string): Promise<unknown> =>
      (await pipe.components[name]!.call(unetInputs(1, 8, 8)))['sample']!.data;
    const [int8, left] = [await sampleOf('unet'), await sampleOf('unet_2')];
    await pipe.remove('thimble:int8-compute');
    expect(left).toEqual(await sampleOf('unet'));
    expect(int8).not.toEqual(left);
  });

  test('has no layer left in float32 but those that are kept', async () => {
    await open({ components: ['unet'] });
    const graphs = watchGraphs('unet');
    await pipe.use(new Int8ComputePlugin(ALL));
    await pipe.components['unet']!.call(unetInputs(1, 8, 8));
    const withFloats = [...graphs]
      .filter(([, { nodes }]) =>
        nodes.some(
          ({ op, inputs: [, weight = ''] }) => op === 'Conv' || (op === 'Gemm' && !weight.includes('time_emb_proj')),
        ),
      )
      .map(([name]) => name);
    expect(withFloats).toEqual(['time_embedding', 'conv_in', 'conv_out']);
    expect(opsOf(graphs, 'down_blocks.0.resnets.0')).toContain('MatMulIntegerToFloat');
    expect(opsOf(graphs, 'mid_block.attentions.0')).toContain('MatMulIntegerToFloat');
  });

  test('keeps what it is told to', async () => {
    await open({ components: ['unet'] });
    const graphs = watchGraphs('unet');
    await pipe.use(new Int8ComputePlugin({ ...ALL, keep: [...DEFAULT_KEEP, /attentions/, 'resnets\\.0\\.conv1$'] }));
    await pipe.components['unet']!.call(unetInputs(1, 8, 8));
    expect(opsOf(graphs, 'mid_block.attentions.0')).not.toContain('MatMulIntegerToFloat');
    expect(opsOf(graphs, 'mid_block.resnets.0').filter((op) => op === 'Conv')).toHaveLength(1);
    expect(opsOf(graphs, 'mid_block.resnets.1').filter((op) => op === 'Conv')).toHaveLength(0);
  });

  test('by itself leaves layers alone that are too small to gain', async () => {
    await open({ components: ['unet'] });
    const graphs = watchGraphs('unet');
    await pipe.use(new Int8ComputePlugin({ force: true, minimumOperations: 1e15 }));
    await pipe.components['unet']!.call(unetInputs(1, 8, 8));
    expect([...graphs.values()].flatMap(({ nodes }) => nodes.map(({ op }) => op))).not.toContain(
      'MatMulIntegerToFloat',
    );
  });
});

describe('other components in int8', () => {
  test('a VAE, decoding and encoding', async () => {
    await open({ components: ['vae'] });
    const vae = pipe.components['vae']!;
    const z = new TorchGenerator(1).randn([1, 4, 9, 7]);
    const x = new TorchGenerator(2).randn([1, 3, 48, 32]);
    const plain = { sample: (await vae.decode({ z })).sample, moments: (await vae.encode({ x })).moments };
    await pipe.use(new Int8ComputePlugin(ALL));
    expect(
      decibels(plain.sample.data as Float32Array, (await vae.decode({ z })).sample.data as Float32Array),
    ).toBeGreaterThan(20);
    expect(
      decibels(plain.moments.data as Float32Array, (await vae.encode({ x })).moments.data as Float32Array),
    ).toBeGreaterThan(20);
  });

  test('a text encoder', async () => {
    await open({ components: ['text_encoder', 'tokenizer'] });
    const encoder = pipe.components['text_encoder']!;
    const input_ids = new Tensor(
      'int64',
      BigInt64Array.from({ length: 77 }, (_, i) => BigInt(i)),
      [1, 77],
    );
    const plain = (await encoder.call({ input_ids }))['last_hidden_state']!;
    await pipe.use(new Int8ComputePlugin({ ...ALL, components: ['text_encoder'] }));
    const int8 = (await encoder.call({ input_ids }))['last_hidden_state']!;
    expect(decibels(plain.data as Float32Array, int8.data as Float32Array)).toBeGreaterThan(25);
    expect(int8.data).not.toEqual(plain.data);
  });

  test('by default the text encoder computes as before', async () => {
    await open();
    const graphs = watchGraphs('text_encoder');
    await pipe.use(new Int8ComputePlugin(ALL));
    await picture();
    expect([...graphs.values()].flatMap(({ nodes }) => nodes.map(({ op }) => op))).not.toContain(
      'MatMulIntegerToFloat',
    );
  });
});

describe('the weights', () => {
  test('are made once, with progress, and found again', async () => {
    process.env['THIMBLE_CACHE'] = join(cache, 'own');
    await open({ plugins: [new Int8ComputePlugin(ALL)] });
    const told: ProgressEvent[] = [];
    for await (const event of pipe.stream('a cat', TINY)) if (event.type === 'progress') told.push(event);
    expect(new Set(told.map(({ task }) => task))).toEqual(new Set(['unet to int8', 'vae to int8']));
    expect(told.every(({ done, total }) => done <= total)).toBe(true);
    const made = filesIn(join(cache, 'own', 'weights'));
    expect(made).toHaveLength(2);
    const first = await picture();
    await pipe.dispose();
    await open({ plugins: [new Int8ComputePlugin(ALL)] });
    const types = [];
    for await (const event of pipe.stream('a cat', TINY)) types.push(event.type);
    expect(types).not.toContain('progress');
    expect(await picture()).toEqual(first);
    expect(filesIn(join(cache, 'own', 'weights'))).toEqual(made);
  });

  test('are not made when aborted', async () => {
    process.env['THIMBLE_CACHE'] = join(cache, 'aborted');
    await open();
    const reason = new Error('enough');
    const plugin = new Int8ComputePlugin({ ...ALL, components: ['unet'] });
    await expect(
      DiffusionPipeline.fromPretrained(SD_TINY, {
        plugins: [plugin],
        deviceOptions: { inline: true, threads: 1 },
        signal: AbortSignal.abort(reason),
      }),
    ).rejects.toBe(reason);
  });
});

test('what each layer loses is measured one by one, and nothing is left of it', async () => {
  await open({ components: ['vae'] });
  const vae = pipe.components['vae']!;
  const z = new TorchGenerator(1).randn([1, 4, 8, 8]);
  const plain = (await vae.decode({ z })).sample.data;
  const told: string[] = [];
  const layers = await measureSensitivity(
    vae,
    { z },
    { entry: 'decode', by: 'layer', onMeasured: ({ name }) => told.push(name) },
  );
  expect(layers.map(({ name }) => name).sort()).toEqual(told.sort());
  expect(told).toEqual(
    expect.arrayContaining([
      'decoder.conv_in',
      'decoder.mid_block.resnets.0.conv1',
      'decoder.mid_block.attentions.0.to_q',
      'decoder.conv_out',
    ]),
  );
  expect(told).not.toContain('encoder.conv_in');
  expect(layers[0]!.decibels).toBeLessThan(layers.at(-1)!.decibels);
  expect(layers.every(({ decibels }) => decibels > 10)).toBe(true);
  expect(pipe.hooks.transformGraph.owners()).toEqual([]);
  expect((await vae.decode({ z })).sample.data).toEqual(plain);
});

describe('other processors', () => {
  /** Largest magnitudes of a code, and of the sum of two neighbours of a column. */
  function limitsOf(codes: Int8Array, columns: number): CodeLimits {
    let [code, pair] = [0, 0];
    for (const [i, value] of codes.entries()) {
      const isFirst = Math.floor(i / columns) % 2 === 0;
      code = Math.max(code, Math.abs(value));
      if (isFirst) pair = Math.max(pair, Math.abs(value + (codes[i + columns] ?? 0)));
    }
    return { code, pair };
  }

  test.each(['exact', 'paired', 'saturating'] as const)(
    'where sums are %s, weights keep to its limits',
    async (sums) => {
      process.env['THIMBLE_CACHE'] = join(cache, sums);
      await open({ components: ['unet'] });
      forceSums(pipe, sums);
      await pipe.use(new Int8ComputePlugin(ALL));
      await pipe.components['unet']!.load();
      const folder = join(cache, sums, 'weights');
      const path = join(folder, filesIn(folder)[0]!);
      const matrices = [...(await SafetensorsFile.open(path)).tensors.values()].filter(({ dtype }) => dtype === 'I8');
      const file = readFileSync(path);
      expect(matrices.length).toBeGreaterThan(20);
      for (const { offset, byteLength, shape } of matrices) {
        const codes = new Int8Array(file.buffer, file.byteOffset + offset, byteLength);
        const { code, pair } = limitsOf(codes, shape[1]!);
        expect(pair).toBeLessThanOrEqual(CODE_LIMITS[sums].pair);
        // All that the limits allow is used, but for what rounding a pair may take.
        if (sums === 'paired') expect(code === 127 || pair >= 126).toBe(true);
        else expect(code).toBe(CODE_LIMITS[sums].code);
      }
    },
  );
});

describe('options', () => {
  test.each([
    [{ components: 'unet' }, 'components'],
    [{ keep: 'attn' }, 'keep'],
    [{ keep: ['('] }, 'keep'],
    [{ keep: [1] }, 'keep'],
    [{ minimumOperations: -1 }, 'minimumOperations'],
    [{ minimumOperations: '1' }, 'minimumOperations'],
    [{ force: 1 }, 'force'],
  ])('%j is refused', (options, argument) => {
    expect(() => new Int8ComputePlugin(options as unknown as Int8ComputeOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', message: expect.stringContaining(argument) }),
    );
  });

  test('a component that is none is refused by name', async () => {
    await open();
    await expect(pipe.use(new Int8ComputePlugin({ components: ['unett'] }))).rejects.toThrow('unett');
  });
});
