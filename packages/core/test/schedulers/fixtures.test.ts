import { describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import type { Generator } from '../../src/random/Generator.js';
import { createScheduler } from '../../src/schedulers/createScheduler.js';
import type { DDIMScheduler } from '../../src/schedulers/DDIMScheduler.js';
import type { PNDMScheduler } from '../../src/schedulers/PNDMScheduler.js';
import { FixtureCase, type FixtureCall } from './FixtureCase.js';

const fixture = new FixtureCase('schedulers');

/** Hands out recorded draws in their order. */
class Replay implements Generator {
  #next = 0;
  readonly #draws: readonly Tensor[];

  constructor(draws: readonly Tensor[]) {
    this.#draws = draws;
  }

  get left(): number {
    return this.#draws.length - this.#next;
  }

  randn(dims: readonly number[]): Tensor {
    const draw = this.#draws[this.#next++]!;
    expect(draw.dims).toEqual(dims);
    return draw;
  }
}

function rows(name: string): Tensor[] {
  const [count, ...dims] = fixture.shape(name);
  const numbers = fixture.numbers(name);
  const size = numbers.length / count!;
  return Array.from({ length: count! }, (_, i) => new Tensor('float32', Float32Array.from(numbers.slice(i * size, (i + 1) * size)), dims));
}

const flat = (tensors: readonly Tensor[]): number[] => tensors.flatMap(({ data }) => [...(data as Float32Array)]);

function runTrajectory(call: FixtureCall, scheduler: DDIMScheduler | PNDMScheduler, generator: Generator): { scaled: Tensor[]; prev: Tensor[] } {
  const { eta, use_clipped_model_output: useClippedModelOutput } = call.args['step_args'] as { eta?: number; use_clipped_model_output?: boolean };
  const outputs = rows(call.in['model_output']!);
  const scaled: Tensor[] = [];
  const prev: Tensor[] = [];
  let sample = fixture.tensor(call.in['sample']!);
  for (const [i, timestep] of scheduler.timesteps.entries()) {
    scaled.push(scheduler.scaleModelInput(sample));
    const options = { generator, ...(eta === undefined ? {} : { eta }), ...(useClippedModelOutput === undefined ? {} : { useClippedModelOutput }) };
    sample = scheduler.step(outputs[i]!, timestep, sample, options).prevSample;
    prev.push(sample);
  }
  return { scaled, prev };
}

describe.each(fixture.calls.map((call): [string, FixtureCall] => [call.name, call]))('%s is as in diffusers', (_, call) => {
  const { scheduler: className, config, num_inference_steps: steps, init_noise_sigma: sigma, order } = call.args as {
    scheduler: string; config: Record<string, unknown>; num_inference_steps: number; init_noise_sigma: number; order: number;
  };
  const scheduler = createScheduler(className, config) as DDIMScheduler | PNDMScheduler;
  scheduler.setTimesteps(steps);

  test('the schedule', () => {
    expect(scheduler.timesteps).toEqual(fixture.numbers(call.out['timesteps']!.tensor));
    if (call.out['betas']) expect(fixture.excess(call.out['betas'], scheduler.betas)).toBeLessThanOrEqual(0);
    if (call.out['alphas_cumprod']) expect(fixture.excess(call.out['alphas_cumprod'], scheduler.alphasCumprod)).toBeLessThanOrEqual(0);
    expect([scheduler.initNoiseSigma, scheduler.order]).toEqual([sigma, order]);
  });

  test('the trajectory, twice with one scheduler', () => {
    for (let run = 0; run < 2; run++) {
      const generator = new Replay(call.in['draws'] ? rows(call.in['draws']) : []);
      scheduler.setTimesteps(steps);
      const { scaled, prev } = runTrajectory(call, scheduler, generator);
      expect(fixture.excess(call.out['scaled']!, flat(scaled))).toBeLessThanOrEqual(0);
      expect(fixture.excess(call.out['prev_sample']!, flat(prev))).toBeLessThanOrEqual(0);
      expect(generator.left).toBe(0);
    }
  });

  test('addNoise', () => {
    const original = fixture.tensor(call.in['noise_original']!);
    const noise = fixture.tensor(call.in['noise_noise']!);
    const noisy = scheduler.addNoise(original, noise, fixture.numbers(call.in['noise_timesteps']!));
    expect(fixture.excess(call.out['add_noise']!, flat([noisy]))).toBeLessThanOrEqual(0);
  });
});
