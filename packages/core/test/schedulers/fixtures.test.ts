import { describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import type { Generator } from '../../src/random/Generator.js';
import { createScheduler } from '../../src/schedulers/createScheduler.js';
import type { Scheduler } from '../../src/schedulers/Scheduler.js';
import { schedulerRegistry } from '../../src/schedulers/schedulerRegistry.js';
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
  return Array.from(
    { length: count! },
    (_, i) => new Tensor('float32', Float32Array.from(numbers.slice(i * size, (i + 1) * size)), dims),
  );
}

const flat = (tensors: readonly Tensor[]): number[] => tensors.flatMap(({ data }) => [...(data as Float32Array)]);

const camel = (name: string): string => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

function runTrajectory(
  call: FixtureCall,
  scheduler: Scheduler,
  generator: Generator,
): { scaled: Tensor[]; prev: Tensor[] } {
  const stepArgs = Object.fromEntries(
    Object.entries(call.args['step_args'] as Record<string, unknown>).map(([name, value]) => [camel(name), value]),
  );
  const outputs = rows(call.in['model_output']!);
  const scaled: Tensor[] = [];
  const prev: Tensor[] = [];
  let sample = fixture.tensor(call.in['sample']!);
  for (const [i, timestep] of scheduler.timesteps.entries()) {
    scaled.push(scheduler.scaleModelInput(sample, timestep));
    sample = scheduler.step(outputs[i]!, timestep, sample, { ...stepArgs, generator }).prevSample;
    prev.push(sample);
  }
  return { scaled, prev };
}

interface Tables {
  readonly betas: ArrayLike<number>;
  readonly alphasCumprod: ArrayLike<number>;
}

test('there is a trajectory of every scheduler', () => {
  expect(new Set(fixture.calls.map(({ call }) => call))).toEqual(new Set(Object.keys(schedulerRegistry)));
});

describe.each(fixture.calls.map((call): [string, FixtureCall] => [call.name, call]))(
  '%s is as in diffusers',
  (_, call) => {
    const {
      scheduler: className,
      config,
      num_inference_steps: steps,
      init_noise_sigma: sigma,
      order,
      mu,
    } = call.args as {
      scheduler: string;
      config: Record<string, unknown>;
      num_inference_steps: number;
      init_noise_sigma: number;
      order: number;
      mu?: number;
    };
    const scheduler = createScheduler(className, config) as Scheduler & Tables;
    const options = mu === undefined ? {} : { mu };
    scheduler.setTimesteps(steps, options);

    test('the schedule', () => {
      const { timesteps, sigmas, betas, alphas_cumprod: alphasCumprod } = call.out;
      if (timesteps!.atol === 0) expect(scheduler.timesteps).toEqual(fixture.numbers(timesteps!.tensor));
      else expect(fixture.excess(timesteps!, scheduler.timesteps)).toBeLessThanOrEqual(0);
      if (sigmas) expect(fixture.excess(sigmas, scheduler.sigmas!)).toBeLessThanOrEqual(0);
      if (betas) expect(fixture.excess(betas, scheduler.betas)).toBeLessThanOrEqual(0);
      if (alphasCumprod) expect(fixture.excess(alphasCumprod, scheduler.alphasCumprod)).toBeLessThanOrEqual(0);
      expect([scheduler.initNoiseSigma, scheduler.order]).toEqual([expect.closeTo(sigma, 5), order]);
      expect(scheduler.ignoredConfig).toEqual([]);
    });

    test('the trajectory, twice with one scheduler', () => {
      for (let run = 0; run < 2; run++) {
        const generator = new Replay(call.in['draws'] ? rows(call.in['draws']) : []);
        scheduler.setTimesteps(steps, options);
        const { scaled, prev } = runTrajectory(call, scheduler, generator);
        expect(fixture.excess(call.out['scaled']!, flat(scaled))).toBeLessThanOrEqual(0);
        expect(fixture.excess(call.out['prev_sample']!, flat(prev))).toBeLessThanOrEqual(0);
        expect(generator.left).toBe(0);
      }
    });

    test('addNoise', () => {
      const original = fixture.tensor(call.in['noise_original']!);
      const noise = fixture.tensor(call.in['noise_noise']!);
      scheduler.setTimesteps(steps, options);
      const noisy = scheduler.addNoise(original, noise, ownTimesteps(fixture.numbers(call.in['noise_timesteps']!)));
      expect(fixture.excess((call.out['add_noise'] ?? call.out['scale_noise'])!, flat([noisy]))).toBeLessThanOrEqual(0);
    });

    /** Timesteps between the trained ones may differ from diffusers' in the last bit. */
    function ownTimesteps(timesteps: readonly number[]): number[] {
      return timesteps.map((timestep) => scheduler.timesteps.find((own) => Math.abs(own - timestep) < 0.01)!);
    }
  },
);
