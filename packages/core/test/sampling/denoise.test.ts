import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { createHooks } from '../../src/hooks/manifest.js';
import type { RunContext } from '../../src/hooks/calls/RunContext.js';
import { InlineDevice } from '../../src/device/InlineDevice.js';
import { TorchGenerator } from '../../src/random/TorchGenerator.js';
import { MemoryMonitor } from '../../src/run/MemoryMonitor.js';
import type { PipelineEvent } from '../../src/run/PipelineEvent.js';
import { PipelineRun } from '../../src/run/PipelineRun.js';
import { denoise, type Denoising } from '../../src/sampling/denoise.js';
import type { Start } from '../../src/sampling/starts/Start.js';
import { DDIMScheduler } from '../../src/schedulers/DDIMScheduler.js';
import { EulerDiscreteScheduler } from '../../src/schedulers/EulerDiscreteScheduler.js';
import type { Scheduler } from '../../src/schedulers/Scheduler.js';

const STEPS = 5;
const NOISE = new TorchGenerator(7).randn([1, 2, 3, 3]);
let device: InlineDevice;

beforeAll(() => {
  device = new InlineDevice({ provider: 'cpu' });
});
afterAll(async () => {
  await device.dispose();
});

/** Stands for a model: what it predicts depends on latents and timestep. */
async function predict(latents: Tensor, timestep: number): Promise<Tensor> {
  const data = (latents.data as Float32Array).map((x) => Math.sin(x + timestep / 100));
  return new Tensor('float32', data, latents.dims);
}

function scaled(tensor: Tensor, factor: number): Tensor {
  return new Tensor(
    'float32',
    (tensor.data as Float32Array).map((x) => x * factor),
    tensor.dims,
  );
}

interface Record {
  readonly latents: Tensor[];
  readonly events: PipelineEvent[];
  readonly result: Tensor;
}

async function run(
  scheduler: Scheduler,
  start: Start,
  change: Partial<Denoising> = {},
  hooks = createHooks(),
  signal?: AbortSignal,
): Promise<Record> {
  scheduler.setTimesteps(STEPS);
  using memory = new MemoryMonitor(device, {});
  const context: RunContext = { id: 1, prompt: '', options: {}, signal, state: new Map(), steps: STEPS };
  const work = denoise(new PipelineRun(context, hooks, memory, new AbortController()), {
    scheduler,
    start,
    predict,
    generator: new TorchGenerator(1),
    ...change,
  });
  const [latents, events]: [Tensor[], PipelineEvent[]] = [[], []];
  for (;;) {
    const next = await work.next();
    if (next.done === true) return { latents, events, result: next.value };
    events.push(next.value);
    if (next.value.type === 'step') latents.push(await next.value.latents());
  }
}

describe.each([
  ['DDIM', () => DDIMScheduler.fromConfig({})],
  ['Euler', () => EulerDiscreteScheduler.fromConfig({})],
])('with %s', (_name, makeScheduler) => {
  const noise = (scheduler: Scheduler): Tensor => {
    scheduler.setTimesteps(STEPS);
    return scaled(NOISE, scheduler.initNoiseSigma);
  };

  test.each([1, 2, 4])('a start at timestep %i is the rest of a whole run', async (beginIndex) => {
    const whole = makeScheduler();
    const { latents } = await run(whole, { latents: noise(whole), beginIndex: 0 });
    const rest = await run(makeScheduler(), { latents: latents[beginIndex - 1] as Tensor, beginIndex });
    expect(rest.latents.map(({ data }) => data)).toEqual(latents.slice(beginIndex).map(({ data }) => data));
    const steps = rest.events.filter(({ type }) => type === 'step');
    expect(steps.map((event) => event.type === 'step' && [event.index, event.steps, event.timestep])).toEqual(
      whole.timesteps.slice(beginIndex).map((timestep, i) => [i, STEPS - beginIndex, timestep]),
    );
  });

  test('a start changes what the model is given, and the latents after each step', async () => {
    const scheduler = makeScheduler();
    const given: (readonly number[])[] = [];
    const next: (number | undefined)[] = [];
    const start: Start = {
      latents: noise(scheduler),
      beginIndex: 0,
      modelInput: (latents) => new Tensor('float32', new Float32Array(2 * latents.size), [1, 4, 3, 3]),
      afterStep: (latents, timestep) => {
        next.push(timestep);
        return scaled(latents, 0);
      },
    };
    const { result } = await run(scheduler, start, {
      predict: async ({ dims }, timestep) => {
        given.push(dims);
        return predict(NOISE, timestep);
      },
    });
    expect(given).toEqual(Array.from({ length: STEPS }, () => [1, 4, 3, 3]));
    expect(next).toEqual([...scheduler.timesteps.slice(1), undefined]);
    expect([...(result.data as Float32Array)].every((x) => x === 0)).toBe(true);
  });
});

test('each step calls its hooks with what the start made of the latents, and its events follow', async () => {
  const hooks = createHooks();
  const seen: string[] = [];
  hooks.beforeStep.tap('test', ({ index, latents }) => void seen.push(`before ${index} ${latents.data[0]}`));
  hooks.afterStep.tap('test', ({ index, latents }) => void seen.push(`after ${index} ${latents.data[0]}`));
  const start: Start = { latents: scaled(NOISE, 0), beginIndex: 3, afterStep: (latents) => scaled(latents, 0) };
  const { events } = await run(DDIMScheduler.fromConfig({}), start, {}, hooks);
  expect(seen).toEqual(['before 0 0', 'after 0 0', 'before 1 0', 'after 1 0']);
  expect(events.map(({ type }) => type)).toEqual(['step', 'memory', 'step', 'memory']);
});

test('a step that gives infinity ends it, and so does its signal', async () => {
  const start: Start = { latents: NOISE, beginIndex: 0 };
  const infinite = async (latents: Tensor): Promise<Tensor> => scaled(latents, Infinity);
  await expect(run(DDIMScheduler.fromConfig({}), start, { predict: infinite })).rejects.toMatchObject({
    code: 'ERR_LATENTS_NAN',
    message: expect.stringContaining(`after step 1 of ${STEPS}`),
  });
  const stop = new AbortController();
  let asked = 0;
  const aborting = async (latents: Tensor, timestep: number): Promise<Tensor> => {
    if (++asked === 2) stop.abort(new RangeError('enough'));
    return predict(latents, timestep);
  };
  await expect(
    run(DDIMScheduler.fromConfig({}), start, { predict: aborting }, createHooks(), stop.signal),
  ).rejects.toThrow('enough');
  expect(asked).toBe(2);
});
