import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { setTimeout as sleep } from 'node:timers/promises';
import { isThimbleError } from '../../src/errors.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { fixturePath } from '../support/fixturePath.js';

const RUN = { width: 64, height: 64, numInferenceSteps: 2, seed: 1, guidanceScale: 1, outputType: 'latent' } as const;
const LIMITS = { maxPixels: 128 * 128, maxPrompts: 4, maxPromptLength: 100, maxQueue: 2 };
let pipe: DiffusionPipeline;

async function open(limits: object): Promise<DiffusionPipeline> {
  return DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
    ...limits,
    deviceOptions: { inline: true, threads: 1 },
  });
}

beforeAll(async () => {
  pipe = await open(LIMITS);
});

afterAll(async () => {
  await pipe.dispose();
});

function refusalOf(error: unknown): string {
  if (!isThimbleError(error)) return String(error);
  const { argument, largest } = error.details as { argument?: string; largest?: string | number };
  return [error.code, argument, largest].filter((part) => part !== undefined).join(' ');
}

/** What each of these calls is refused for, while `during` holds the pipeline. */
async function refusals(during: AsyncGenerator<unknown>, calls: readonly [unknown, object][]): Promise<unknown[]> {
  await during.next();
  const refused: unknown[] = [];
  for (const [prompt, options] of calls) {
    const call = pipe.generate(prompt as string, { ...RUN, ...options });
    refused.push(await Promise.race([call.then(() => 'done', refusalOf), sleep(10_000, 'late', { ref: false })]));
  }
  await during.return(undefined);
  return refused;
}

test('arguments are judged at once, not after the run before', async () => {
  const embeds = new Tensor('float32', new Float32Array(77 * 8), [1, 77, 8]);
  const calls: [unknown, object, string][] = [
    ['x', { width: 100 }, 'ERR_ARGUMENT_INVALID width'],
    [5, {}, 'ERR_ARGUMENT_INVALID prompt'],
    [[], {}, 'ERR_ARGUMENT_INVALID prompt'],
    ['x', { steps: 3 }, 'ERR_ARGUMENT_INVALID options'],
    ['x', { numInferenceSteps: 1e9 }, 'ERR_ARGUMENT_INVALID numInferenceSteps'],
    ['x', { timesteps: [1, 2, 3], numInferenceSteps: undefined }, 'ERR_ARGUMENT_INVALID timesteps'],
    ['x', { seed: [1, 2] }, 'ERR_ARGUMENT_INVALID seed'],
    ['x', { clipSkip: 99 }, 'ERR_ARGUMENT_INVALID clipSkip'],
    ['x', { latents: new Tensor('float32', new Float32Array(4), [1, 4, 1, 1]) }, 'ERR_ARGUMENT_INVALID latents'],
    [
      '',
      { promptEmbeds: embeds, negativePromptEmbeds: new Tensor('float32', new Float32Array(8), [1, 1, 8]) },
      'ERR_ARGUMENT_INVALID negativePromptEmbeds',
    ],
    ['x', { width: 100_000, height: 100_000 }, 'ERR_REQUEST_TOO_LARGE width × height 128×128'],
    ['x', { width: 100_000 }, 'ERR_REQUEST_TOO_LARGE width × height 2048×8'],
    ['x', { numImagesPerPrompt: 1e9 }, 'ERR_REQUEST_TOO_LARGE numImagesPerPrompt 4'],
    [['a', 'b', 'c', 'd', 'e'], {}, 'ERR_REQUEST_TOO_LARGE prompt 4'],
    ['x'.repeat(101), {}, 'ERR_REQUEST_TOO_LARGE prompt 100'],
    ['x', { negativePrompt: 'x'.repeat(101) }, 'ERR_REQUEST_TOO_LARGE negativePrompt 100'],
  ];
  const refused = await refusals(
    pipe.stream('long', RUN),
    calls.map(([prompt, options]) => [prompt, options]),
  );
  expect(refused).toEqual(calls.map(([, , expected]) => expected));
  expect(pipe.pending).toBe(0);
});

test('what waits is told how many come before, and too many are refused', async () => {
  const first = pipe.stream('first', RUN);
  await first.next();
  const told: number[][] = [[], []];
  const waiting = told.map(async (ahead) => {
    for await (const event of pipe.stream('next', RUN)) if (event.type === 'queued') ahead.push(event.ahead);
  });
  while (pipe.pending < 2) await sleep(1);
  await expect(pipe.generate('one too many', RUN)).rejects.toMatchObject({
    code: 'ERR_QUEUE_FULL',
    details: { pending: 2, maxQueue: 2 },
  });
  await first.return();
  await Promise.all(waiting);
  expect(told).toEqual([[1], [2, 1]]);
  expect(pipe.pending).toBe(0);
});

describe('a reader who does not come back', () => {
  let impatient: DiffusionPipeline;

  beforeAll(async () => {
    impatient = await open({ readerTimeout: 50 });
  });

  afterAll(async () => {
    await impatient.dispose();
  });

  test('keeps its run while nobody waits', async () => {
    const read: string[] = [];
    for await (const { type } of impatient.stream('slow', RUN)) {
      read.push(type);
      if (read.length === 1) await sleep(150);
    }
    expect(read.at(-1)).toBe('done');
  });

  test('loses it to those who wait, and is told', async () => {
    const abandoned = impatient.stream('left', RUN);
    await abandoned.next();
    await expect(impatient.generate('next', RUN)).resolves.toMatchObject({ seeds: [1] });
    await expect(abandoned.next()).rejects.toMatchObject({ code: 'ERR_READER_TIMEOUT' });
  });
});

test('limits are checked, too, and how models are computed', async () => {
  for (const [argument, value] of Object.entries({ maxPixels: -1, convolution: 'fast' }))
    await expect(DiffusionPipeline.fromPretrained('no/such-model', { [argument]: value })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument },
    });
});
