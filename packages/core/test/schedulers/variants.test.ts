import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { Tensor } from 'onnxruntime-common';
import { createScheduler } from '../../src/schedulers/createScheduler.js';
import type { Generator } from '../../src/random/Generator.js';

interface Run {
  readonly scheduler: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly timing: Readonly<{ num_inference_steps?: number; timesteps?: number[]; sigmas?: number[]; mu?: number }>;
  readonly step_args: Readonly<Record<string, unknown>>;
  readonly timesteps: readonly number[];
  readonly sigmas?: readonly number[];
  readonly prev_sample: readonly number[];
}

const fixture = JSON.parse(readFileSync(new URL('../fixtures/schedulers/variants.json', import.meta.url), 'utf8')) as {
  shape: [number, number, number, number];
  sample: number[];
  model_output: number[][];
  draws: number[][];
  runs: Run[];
};
const [batch, channels, height, width] = fixture.shape;
const plane = height * width;

function tensor(numbers: readonly number[]): Tensor {
  return new Tensor('float32', Float32Array.from(numbers), [batch, numbers.length / plane, height, width]);
}

/** Where the model predicts variances there are three channels, as the script that made the runs has it: the first one comes again. */
const withThird = (numbers: readonly number[]): number[] => [...numbers, ...numbers.slice(0, plane)];
const withVariance = (numbers: readonly number[]): number[] => [
  ...withThird(numbers),
  ...numbers.map((x) => Math.abs(x * 0.4)),
  ...numbers.slice(plane, 2 * plane).map((x) => Math.abs(x) * 0.3),
];
const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** Relative to the largest number on the way, because float32 keeps the error of large ones. */
function distance(got: ArrayLike<number>, expected: readonly number[], largest = 1): number {
  if (got.length !== expected.length) return Infinity;
  const scale = Math.max(largest, ...expected.map(Math.abs));
  return Math.max(...expected.map((x, i) => Math.abs(x - got[i]!))) / scale;
}

function replay(learned: boolean): Generator {
  let next = 0;
  return { randn: () => tensor(learned ? withThird(fixture.draws[next++]!) : fixture.draws[next++]!) };
}

const named = fixture.runs.map((run, i): [string, Run] => [
  `${i} ${run.scheduler} ${JSON.stringify({ ...run.config, ...run.timing, ...run.step_args })}`,
  run,
]);

describe('configurations drawn at random do what they do in diffusers', () => {
  test.each(named)('%s', (_, run) => {
    const learned = String(run.config['variance_type']).startsWith('learned');
    const { num_inference_steps: steps, ...own } = run.timing;
    const scheduler = createScheduler(run.scheduler, run.config);
    scheduler.setTimesteps(steps, own);
    expect(distance(scheduler.timesteps, run.timesteps)).toBeLessThan(1e-6);
    if (run.sigmas) expect(distance(scheduler.sigmas!, run.sigmas)).toBeLessThan(1e-4);

    const stepArgs = Object.fromEntries(Object.entries(run.step_args).map(([name, value]) => [camel(name), value]));
    const start = fixture.sample.map((x) => x * scheduler.initNoiseSigma);
    let sample = tensor(learned ? withThird(start) : start);
    const generator = replay(learned);
    for (const [i, timestep] of scheduler.timesteps.entries()) {
      const output = fixture.model_output[i]!;
      scheduler.scaleModelInput(sample, timestep);
      sample = scheduler.step(tensor(learned ? withVariance(output) : output), timestep, sample, {
        ...stepArgs,
        generator,
      }).prevSample;
    }
    expect(sample.dims).toEqual([batch, learned ? channels + 1 : channels, height, width]);
    expect(
      distance(sample.data as Float32Array, run.prev_sample, Math.max(1, scheduler.initNoiseSigma / 4)),
    ).toBeLessThan(2e-4);
  });
});
