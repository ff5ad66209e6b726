import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, type GenerateOptions, type Plugin, Tensor } from '@thimble/core';
import type { DeviceTensor, SegmentCall } from '@thimble/core/plugin';
import { createTestPipeline } from '@thimble/plugin-testkit';
import { StepCachePlugin, type StepCacheOptions } from '../src/index.js';

type Run = GenerateOptions;
const RUN = { numInferenceSteps: 5, guidanceScale: 3, seed: 7 } as const;

async function latents(pipe: DiffusionPipeline, options: Run = {}): Promise<Float32Array> {
  const { images } = await pipe.generate('a red fox', { ...RUN, ...options, outputType: 'latent' });
  return images.data as Float32Array;
}

/** How many segments of the denoiser each step of a run computes. */
async function computedSegments(pipe: DiffusionPipeline, options: Run = {}): Promise<readonly number[]> {
  const counts: number[] = [];
  const taps = [
    pipe.hooks.beforeStep.tap('count', () => void counts.push(0)),
    pipe.hooks.beforeSegment.tap({ name: 'count', stage: 1000 }, ({ component, outputs }) => {
      if (/^(unet|transformer)$/.test(component) && outputs === undefined) counts[counts.length - 1]!++;
    }),
  ];
  await latents(pipe, options);
  for (const tap of taps) tap[Symbol.dispose]();
  return counts;
}

/** Computes everything always, and then puts a value of an earlier step in the place of one that a cache would not compute: what the plugin has to come to. */
function oracle(
  component: string,
  interval: number,
  replace: (old: SegmentMemory, call: SegmentCall) => Promise<void>,
): Plugin {
  return {
    name: 'test:oracle',
    apply({ hooks }) {
      let memory: SegmentMemory = new Map();
      let [step, steps] = [0, 0];
      hooks.beforeRun.tap('oracle', () => void (memory = new Map()));
      hooks.beforeStep.tap('oracle', ({ index, run }) => void ([step, steps] = [index, run.steps]));
      hooks.afterSegment.tap('oracle', async (call) => {
        if (call.component !== component) return;
        if (step > 0 && (steps - 1 - step) % interval !== 0) return replace(memory, call);
        const outputs = Object.values(call.outputs ?? {});
        memory.set(call.segment, await Promise.all(outputs.map(async (tensor) => call.handle.device.download(tensor))));
      });
    },
  };
}
type SegmentMemory = Map<string, readonly Tensor[]>;

async function withPlugin<T>(pipe: DiffusionPipeline, plugin: Plugin, work: () => Promise<T>): Promise<T> {
  const handle = await pipe.use(plugin);
  try {
    return await work();
  } finally {
    await handle.remove();
  }
}

describe('a UNet', () => {
  let pipe: DiffusionPipeline;
  let plain: Float32Array;
  beforeAll(async () => {
    pipe = await createTestPipeline({ device: 'inline' });
    plain = await latents(pipe);
  });
  afterEach(async () => {
    // One run for all: a trace of any test would show in it.
    expect(await latents(pipe)).toEqual(plain);
    expect((await pipe.device.usage()).tensors).toBe(0);
  });
  afterAll(async () => pipe.dispose());

  const used = async <T>(options: StepCacheOptions, work: () => Promise<T>): Promise<T> =>
    withPlugin(pipe, new StepCachePlugin(options), work);

  test('computes everything in the first step and in each third, up to the last, and in those between no more than a few layers', async () => {
    const all = pipe.components['unet']!.segments.length;
    expect(await used({ interval: 3 }, async () => computedSegments(pipe))).toEqual([all, all, 5, 5, all]);
    expect(await used({ interval: 2, depth: 2 }, async () => computedSegments(pipe))).toEqual([all, 9, all, 9, all]);
  });

  test('is no change where everything is computed always', async () => {
    expect(await used({ interval: 1 }, async () => latents(pipe))).toEqual(plain);
  });

  test.each([
    [1, 'up_blocks.2.attentions.0'],
    [2, 'up_blocks.1.upsamplers.0'],
  ])('at depth %d it gives what everything gives with an old value put in its place', async (depth, bridge) => {
    const made: DeviceTensor[] = [];
    const { device } = pipe;
    const wanted = await withPlugin(
      pipe,
      oracle('unet', 3, async (memory, call) => {
        if (call.segment !== bridge) return;
        const [old] = memory.get(bridge)!;
        made.push(await device.upload(old!));
        call.outputs = { 'out.x': made.at(-1)! };
      }),
      async () => latents(pipe),
    );
    await device.free(made);
    expect(await used({ depth, interval: 3, order: 0 }, async () => latents(pipe))).toEqual(wanted);
    expect(wanted).not.toEqual(plain);
    // The line through two values is another one.
    expect(await used({ depth, interval: 3, order: 1 }, async () => latents(pipe))).not.toEqual(wanted);
  });

  test('a run after others is what it would be alone', async () => {
    await used({ interval: 2 }, async () => {
      const first = await latents(pipe);
      await latents(pipe, { numImagesPerPrompt: 2, width: 48, guidanceScale: 1 });
      await expect(latents(pipe, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
      const late = new AbortController();
      const abort = pipe.hooks.afterStep.tap('test', ({ index }) => void (index === 1 && late.abort()));
      await expect(latents(pipe, { signal: late.signal })).rejects.toThrow(/abort/);
      abort[Symbol.dispose]();
      const fail = pipe.hooks.beforeSegment.tap('test', ({ segment, outputs }) => {
        if (segment === 'conv_out' && outputs === undefined) throw new Error('broken');
      });
      await expect(latents(pipe)).rejects.toThrow('broken');
      fail[Symbol.dispose]();
      expect((await pipe.device.usage()).tensors).toBe(0);
      expect(await latents(pipe)).toEqual(first);
    });
  });

  test('begins with a whole step from a picture, too', async () => {
    const image = new Tensor('float32', new Float32Array(3 * 64 * 64).fill(0.5), [1, 3, 64, 64]);
    const all = pipe.components['unet']!.segments.length;
    const run = { image, strength: 0.6 };
    expect(await used({}, async () => computedSegments(pipe, run))).toEqual([all, 5, all]);
  });

  test('calls of the user are computed whole', async () => {
    const unet = pipe.components['unet']!;
    const inputs = {
      sample: new Tensor('float32', new Float32Array(256).fill(0.3), [1, 4, 8, 8]),
      timestep: new Tensor('int64', BigInt64Array.of(5n), [1]),
      encoder_hidden_states: new Tensor('float32', new Float32Array(77 * 16).fill(0.1), [1, 77, 16]),
    };
    const [first, second] = await used({}, async () => [await unet.call(inputs), await unet.call(inputs)] as const);
    expect(first['sample']!.data).toEqual((await unet.call(inputs))['sample']!.data);
    expect(second['sample']!.data).toEqual(first['sample']!.data);
  });

  test.each<[StepCacheOptions, string]>([
    [{ depth: 6 }, 'depth'],
    [{ threshold: 0.1 }, 'threshold'],
  ])('refuses %j', async (options, argument) => {
    await expect(pipe.use(new StepCachePlugin(options))).rejects.toMatchObject({
      cause: { code: 'ERR_ARGUMENT_INVALID', details: { argument } },
    });
  });
});

describe.each([
  ['sd3-tiny', 'transformer_blocks', { width: 48, height: 32, maxSequenceLength: 8 }],
  [
    'flux2-klein-tiny',
    'transformer_blocks',
    { width: 48, height: 32, maxSequenceLength: 40, textEncoderOutLayers: [1, 2, 4] },
  ],
] as const)('the transformer of %s', (name, blocks, given) => {
  const options: Run = { ...given, numInferenceSteps: 4 };
  let pipe: DiffusionPipeline;
  let plain: Float32Array;
  beforeAll(async () => {
    const path = fileURLToPath(new URL(`../../core/test/fixtures/${name}`, import.meta.url));
    pipe = await DiffusionPipeline.fromPretrained(path, { deviceOptions: { inline: true, threads: 1 } });
    plain = await latents(pipe, options);
  });
  afterAll(async () => pipe.dispose());
  const used = async <T>(cache: StepCacheOptions, work: () => Promise<T>): Promise<T> =>
    withPlugin(pipe, new StepCachePlugin(cache), work);

  test('follows the threshold', async () => {
    const all = pipe.components['transformer']!.segments.length;
    expect(await used({ threshold: 0 }, async () => latents(pipe, options))).toEqual(plain);
    const [first, ...others] = await used({ threshold: 1e6 }, async () => computedSegments(pipe, options));
    expect(first).toBe(all);
    expect(Math.max(...others)).toBeLessThan(all);
    expect(await used({ threshold: 1e6, interval: 2 }, async () => computedSegments(pipe, options))).toEqual([
      all,
      all,
      others[0],
      all,
    ]);
  });

  test('adds to what the first block gives what all others added when they were computed', async () => {
    const made: DeviceTensor[] = [];
    const wanted = await withPlugin(
      pipe,
      oracle('transformer', 2, async (memory, call) => {
        const { device } = call.handle;
        const [port, output] = Object.entries(call.outputs!).find(([key]) => /^out\.(hidden|x)$/.test(key)) ?? [];
        if (port === undefined || output === undefined) return;
        const now = await device.download(output);
        if (call.segment === `${blocks}.0`) memory.set('head', [now]);
        if (call.following.some((segment) => /blocks\.\d+$/.test(segment.name)) || !/blocks\.\d+$/.test(call.segment))
          return;
        const [last, first] = [memory.get(call.segment)!.at(-1)!, memory.get(`${blocks}.0`)!];
        const old = first.find(({ dims }) => dims[1] === memory.get('head')![0]!.dims[1])!;
        const head = memory.get('head')![0]!.data as Float32Array;
        const data = (last.data as Float32Array).slice();
        // One sample: the picture's tokens are the last ones.
        const offset = data.length - head.length;
        for (let i = 0; i < head.length; i++)
          data[offset + i] = head[i]! + Math.fround(data[offset + i]! - (old.data as Float32Array)[i]!);
        made.push(await device.upload(new Tensor('float32', data, last.dims)));
        call.outputs = { ...call.outputs, [port]: made.at(-1)! };
      }),
      async () => latents(pipe, { ...options, guidanceScale: 1 }),
    );
    await pipe.device.free(made);
    expect(wanted).not.toEqual(await latents(pipe, { ...options, guidanceScale: 1 }));
    expect(await used({ interval: 2, order: 0 }, async () => latents(pipe, { ...options, guidanceScale: 1 }))).toEqual(
      wanted,
    );
  });

  test('leaves nothing', async () => {
    const first = await used({ interval: 2 }, async () => [await latents(pipe, options), await latents(pipe, options)]);
    expect(first[1]).toEqual(first[0]);
    expect(await latents(pipe, options)).toEqual(plain);
    expect((await pipe.device.usage()).tensors).toBe(0);
  });
});

test.each<[object, string]>([
  [{ interval: 0 }, 'interval'],
  [{ depth: 1.5 }, 'depth'],
  [{ threshold: -1 }, 'threshold'],
  [{ order: 2 }, 'order'],
  [{ components: 'unet' }, 'components'],
])('refuses %j', (options, argument) => {
  expect(() => new StepCachePlugin(options)).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', details: expect.objectContaining({ argument }) }),
  );
});
