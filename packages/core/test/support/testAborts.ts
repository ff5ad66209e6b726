import { expect, test } from '@jest/globals';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { abortAtMoments, type Phase, phasesOf, stalledHub } from './abortPhases.js';
import { fixturePath } from './fixturePath.js';
import { useTemporaryFolders } from '../weights/temporaryFolder.js';

/** Aborts each phase of a pipeline's life at some random moments: it ends within `limit` milliseconds. `report` is told how long the slowest rejection of each took, in milliseconds. */
export function testAborts(
  { moments, limit }: { readonly moments: number; readonly limit: number },
  report: (phase: string, slowest: number, moments: number) => void = () => undefined,
): void {
  let expected: unknown;
  const newFolder = useTemporaryFolders();
  const TINY = {
    width: 64,
    height: 64,
    numInferenceSteps: 1,
    seed: 1,
    guidanceScale: 1,
    outputType: 'latent',
  } as const;

  async function open(phase?: Phase): Promise<DiffusionPipeline> {
    return DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
      deviceOptions: { threads: 1 },
      plugins: phase?.plugin === undefined ? [] : [phase.plugin],
    });
  }

  test.each(Object.keys(phasesOf('')))(`an abort ends a run soon: %s`, async (name) => {
    const phase = phasesOf(await newFolder())[name] as Phase;
    await using pipe = await open(phase);
    expected ??= (await pipe.generate('a cat', TINY)).images.data;
    const slowest = await abortAtMoments(
      moments,
      { ...phase, limit, before: async () => phase.before?.(pipe) },
      async (signal) => phase.work(pipe, signal),
    );
    report(name, slowest, moments);
    expect([(await pipe.device.usage()).tensors, pipe.pending]).toEqual([0, 0]);
    expect((await pipe.generate('a cat', TINY)).images.data).toEqual(expected);
  });

  test('an abort ends a download soon', async () => {
    const hub = await stalledHub();
    const saved = [process.env['HF_HOME'], process.env['HF_ENDPOINT']];
    [process.env['HF_HOME'], process.env['HF_ENDPOINT']] = [await newFolder(), hub.endpoint];
    const slowest = await abortAtMoments(moments, { within: 500, limit }, async (signal) =>
      DiffusionPipeline.fromPretrained('owner/tiny', { signal }),
    );
    report('while it downloads', slowest, moments);
    [process.env['HF_HOME'], process.env['HF_ENDPOINT']] = saved;
    for (const name of ['HF_HOME', 'HF_ENDPOINT']) if (process.env[name] === 'undefined') delete process.env[name];
    expect(hub.requests.length).toBeGreaterThan(0);
    await hub.stop();
  });

  test('dispose ends a run soon, whatever it does', async () => {
    const phase = phasesOf('')['while graphs and sessions are made, and while they run'] as Phase;
    let pipe = await open();
    const before = async (): Promise<void> => {
      await pipe.dispose();
      pipe = await open();
    };
    const slowest = await abortAtMoments(moments, { within: phase.within, before, limit }, async (signal) => {
      signal.addEventListener('abort', () => void pipe.dispose().catch(() => undefined));
      await phase.work(pipe, AbortSignal.any([])).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'ERR_DISPOSED' });
        throw signal.reason;
      });
    });
    report('dispose', slowest, moments);
    await pipe.dispose();
  });

  test('leaving the loop ends a run soon, wherever it is left', async () => {
    await using pipe = await open();
    let [slowest, event, done] = [0, 0, false];
    for (; event < moments && !done; event++) {
      let [seen, left] = [0, Infinity];
      for await (const { type } of pipe.stream('a cat', {
        ...TINY,
        width: 1024,
        height: 1024,
        numInferenceSteps: 2,
        outputType: 'image',
      })) {
        left = performance.now();
        done = type === 'done';
        if (done || seen++ === event) break;
      }
      const took = performance.now() - left;
      expect(took).toBeLessThan(limit);
      slowest = Math.max(slowest, took);
    }
    report('leaving the loop after each of its events', slowest, event);
    expect([(await pipe.device.usage()).tensors, pipe.pending]).toEqual([0, 0]);
  });
}
