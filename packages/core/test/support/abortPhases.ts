import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import type { Plugin } from '../../src/extension/Plugin.js';
import { prepareWeights } from '../../src/extension/prepareWeights.js';
import type { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { DerivedWeightsCache } from '../../src/weights/cache/DerivedWeightsCache.js';
import { createRandom } from '../hooks/random.js';
import { FakeHub } from '../weights/FakeHub.js';
import { fixturePath } from './fixturePath.js';

const TINY = { width: 64, height: 64, numInferenceSteps: 1, seed: 1, guidanceScale: 1, outputType: 'latent' } as const;
const LARGE = { ...TINY, width: 1024, height: 1024 };

/** What may be aborted. */
export interface Phase {
  /** The work, under a signal or until the pipeline is disposed. */
  readonly work: (pipe: DiffusionPipeline, signal: AbortSignal) => Promise<unknown>;
  /** Milliseconds within which the moments lie. */
  readonly within: number;
  /** Before each moment. */
  readonly before?: (pipe: DiffusionPipeline) => Promise<unknown>;
  readonly plugin?: Plugin;
}

/** Weights that take a third of a second to make, never ready: each time they are made anew. */
function slowWeights(cacheFolder: string): Plugin {
  let made = 0;
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 64; i++) {
      await sleep(5);
      yield new Uint8Array(4);
    }
  };
  return {
    name: 'test:slow-weights',
    apply: async ({ hooks, pipeline, onRemove }) =>
      void (await prepareWeights(
        { hooks, onRemove },
        {
          name: 'test:slow-weights',
          stage: 'cast',
          chosen: () => Object.values(pipeline.components).filter(({ name }) => name === 'unet'),
          prepare: async (_component, _below, signal) => {
            const tensors = new Map([['w', { dtype: 'F32' as const, shape: [64], data: pieces }]]);
            const recipe = { name: `slow/${made++}`, sources: [], tensors: () => tensors };
            return new DerivedWeightsCache({ folder: cacheFolder, maxBytes: 2 ** 20 }).open(recipe, { signal });
          },
          layer: (below) => below,
        },
      )),
  };
}

/** The phases of a pipeline's life, from the queue to the picture. */
export function phasesOf(cacheFolder: string): Readonly<Record<string, Phase>> {
  return {
    'in the queue': {
      within: 50,
      work: async (pipe, signal) => {
        const first = pipe.stream('a cat', TINY);
        await first.next();
        return pipe.generate('a dog', { ...TINY, signal }).finally(() => void first.return());
      },
    },
    'while graphs and sessions are made, and while they run': {
      within: 2000,
      before: async (pipe) => Promise.all(Object.values(pipe.components).map(async (component) => component.unload())),
      work: async (pipe, signal) => pipe.generate('a cat', { ...LARGE, signal }),
    },
    'while it decodes': {
      within: 1000,
      work: async (pipe, signal) =>
        pipe.decodeLatents(new Tensor('float32', new Float32Array(4 * 96 * 96), [1, 4, 96, 96]), { signal }),
    },
    'while weights are made': {
      within: 300,
      plugin: slowWeights(cacheFolder),
      work: async (pipe, signal) => pipe.generate('a cat', { ...TINY, signal }),
    },
  };
}

/** A hub that has a model, and never gives its largest file away. */
export async function stalledHub(): Promise<FakeHub> {
  const hub = new FakeHub();
  await hub.start();
  const folder = fixturePath('sd2-tiny');
  for (const file of await readdir(folder, { recursive: true })) {
    if (!file.startsWith('case.') && /\.\w+$/.test(file)) hub.add(file, await readFile(join(folder, file)));
  }
  hub.intercept = ({ url }) => url?.includes('unet/diffusion_pytorch_model') === true;
  return hub;
}

/** Aborts some work at random moments: each time it rejects with the reason within `limit` milliseconds, or is done before. Gives the milliseconds of the slowest rejection. */
export async function abortAtMoments(
  count: number,
  {
    within,
    before,
    limit,
  }: { readonly within: number; readonly before?: () => Promise<unknown>; readonly limit: number },
  work: (signal: AbortSignal) => Promise<unknown>,
): Promise<number> {
  const random = createRandom(count);
  let slowest = 0;
  for (let i = 0; i < count; i++) {
    await before?.();
    const [abort, moment] = [new AbortController(), random() * within];
    const reason = new Error(`stopped after ${moment} ms`);
    let stopped: number | undefined;
    const timer = setTimeout(() => {
      stopped = performance.now();
      abort.abort(reason);
    }, moment);
    const ended = await work(abort.signal).then(
      () => 'done',
      (error: unknown) => error,
    );
    clearTimeout(timer);
    if (ended !== 'done') expect(ended).toBe(reason);
    const took = stopped === undefined ? 0 : performance.now() - stopped;
    expect(took).toBeLessThan(limit);
    slowest = Math.max(slowest, took);
  }
  return slowest;
}
