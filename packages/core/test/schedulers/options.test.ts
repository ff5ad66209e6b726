import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { Tensor } from 'onnxruntime-common';
import { createScheduler } from '../../src/schedulers/createScheduler.js';

interface Run {
  readonly scheduler: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly eta: number;
  readonly use_clipped_model_output: boolean;
  readonly timesteps: readonly number[];
  readonly prev_sample: readonly number[];
  readonly pred_original_sample?: readonly number[];
}

const fixture = JSON.parse(readFileSync(new URL('../fixtures/schedulers/options.json', import.meta.url), 'utf8')) as {
  shape: number[];
  sample: number[];
  model_output: number[][];
  runs: Run[];
};
const tensor = (numbers: readonly number[]): Tensor => new Tensor('float32', Float32Array.from(numbers), fixture.shape);

/** Relative to the largest element: a step divides and takes differences, so small elements keep the error of large ones. */
function distance(got: Tensor, expected: readonly number[]): number {
  const scale = Math.max(1, ...expected.map(Math.abs));
  return Math.max(...expected.map((x, i) => Math.abs(x - (got.data as Float32Array)[i]!))) / scale;
}

const named = fixture.runs.map((run): [string, Run] => [
  `${run.scheduler} ${JSON.stringify(run.config).slice(0, 150)} eta ${run.eta}`,
  run,
]);

describe('every option does what it does in diffusers', () => {
  test.each(named)('%s', (_, run) => {
    const scheduler = createScheduler(run.scheduler, run.config);
    scheduler.setTimesteps(run.scheduler === 'DDIMScheduler' ? 5 : 6);
    expect(scheduler.timesteps).toEqual(run.timesteps);
    let sample = tensor(fixture.sample);
    for (const [i, timestep] of scheduler.timesteps.entries()) {
      const result = scheduler.step(tensor(fixture.model_output[i]!), timestep, sample, {
        eta: run.eta,
        useClippedModelOutput: run.use_clipped_model_output,
        ...(run.eta > 0 ? { varianceNoise: tensor(fixture.model_output[10 + i]!) } : {}),
      });
      if (i === 1 && run.pred_original_sample)
        expect(distance(result.predOriginalSample!, run.pred_original_sample)).toBeLessThan(2e-4);
      sample = result.prevSample;
    }
    expect(distance(sample, run.prev_sample)).toBeLessThan(2e-4);
  });
});
