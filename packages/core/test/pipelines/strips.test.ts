import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { imagesFromSample } from '../../src/images/imagesFromSample.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { fixturePath } from '../support/fixturePath.js';

/** 448×448, whose decoding takes 133 MB as a whole. */
const LATENTS = wave([2, 4, 56, 56]);

function wave(dims: readonly number[]): Tensor {
  const size = dims.reduce((a, b) => a * b, 1);
  return new Tensor(
    'float32',
    Float32Array.from({ length: size }, (_, i) => Math.sin(i * i * 0.37)),
    dims,
  );
}

function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

describe('under a memory limit that has no room for the whole picture', () => {
  const pipes: DiffusionPipeline[] = [];
  const open = async (memoryLimit: string): Promise<DiffusionPipeline> => {
    const pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
      memoryLimit,
      deviceOptions: { inline: true, threads: 2 },
    });
    pipes.push(pipe);
    return pipe;
  };
  let roomy: DiffusionPipeline;
  let tight: DiffusionPipeline;

  beforeAll(async () => {
    [roomy, tight] = [await open('none'), await open('128MB')];
  });
  afterAll(async () => {
    for (const pipe of pipes) await pipe.dispose();
  });

  test('pictures are decoded in strips, to the same bytes but for the rounding, and code around it sees whole ones', async () => {
    const seen: (readonly number[])[] = [];
    using tap = tight.hooks.beforeDecode.tap('watch', ({ wrap }) =>
      wrap((next) => async (z) => {
        const inner = await next(z);
        seen.push(inner.dims);
        return inner;
      }),
    );
    const stored = jest.spyOn(tight.device, 'createRows');
    const { sample } = await tight.vae.decode({ z: LATENTS });
    void tap;
    expect(stored).toHaveBeenCalled();
    stored.mockRestore();
    expect(seen).toEqual([[2, 3, 448, 448]]);
    const { sample: whole } = await roomy.vae.decode({ z: LATENTS });
    expect(farthest(sample.data as Float32Array, whole.data as Float32Array)).toBeLessThan(1e-3);
    const images = imagesFromSample(sample);
    for (const [i, { data }] of imagesFromSample(whole).entries())
      expect(farthest(images[i]!.data, data)).toBeLessThanOrEqual(1);
    expect(await tight.device.usage()).toMatchObject({ tensors: 0 });
  });

  test('and encoded so', async () => {
    const x = wave([1, 3, 448, 448]);
    const stored = jest.spyOn(tight.device, 'createRows');
    const { moments } = await tight.vae.encode({ x });
    expect(stored).toHaveBeenCalled();
    stored.mockRestore();
    const { moments: whole } = await roomy.vae.encode({ x });
    expect(moments.dims).toEqual(whole.dims);
    expect(farthest(moments.data as Float32Array, whole.data as Float32Array)).toBeLessThan(1e-3);
  });

  test('small ones are computed as they are', async () => {
    const stored = jest.spyOn(tight.device, 'createRows');
    const z = wave([1, 4, 8, 8]);
    expect((await tight.vae.decode({ z })).sample.data).toEqual((await roomy.vae.decode({ z })).sample.data);
    expect(stored).not.toHaveBeenCalled();
    stored.mockRestore();
  });

  test('a run tells how far the decoding has come, and an abort ends it with nothing left', async () => {
    const abort = new AbortController();
    const reason = new Error('enough');
    let strips = 0;
    const run = (async () => {
      const options = { width: 448, height: 448, numInferenceSteps: 1, seed: 1, signal: abort.signal };
      for await (const event of tight.stream('a cat', options)) {
        if (event.type !== 'progress') continue;
        expect(event).toMatchObject({ task: 'decode', total: expect.any(Number) });
        strips++;
        if (event.done === 3) abort.abort(reason);
      }
    })();
    await expect(run).rejects.toBe(reason);
    expect(strips).toBeGreaterThanOrEqual(3);
    expect(await tight.device.usage()).toMatchObject({ tensors: 0 });
  });
});
