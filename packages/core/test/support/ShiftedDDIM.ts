import { Tensor } from 'onnxruntime-common';
import type { Plugin } from '../../src/plugins/Plugin.js';
import type { PluginContext } from '../../src/plugins/PluginContext.js';
import { SCHEDULERS } from '../../src/plugins/tokens.js';
import type { Scheduler, StepResult } from '../../src/schedulers/Scheduler.js';
import type { JsonObject } from '../../src/weights/readJsonFile.js';

/** What cogvideox-tiny's scheduler computes with its config, and no other: v-prediction, shifted signal-to-noise ratio, zero at the end. */
class ShiftedDDIM implements Scheduler {
  readonly config: Scheduler['config'];
  readonly ignoredConfig = [];
  readonly initNoiseSigma = 1;
  readonly order = 1;
  timesteps: readonly number[] = [];
  readonly #alphas: readonly number[];
  #stride = 0;

  constructor(config: JsonObject) {
    this.config = config as unknown as Scheduler['config'];
    const [start, end, shift] = [Number(config['beta_start']), Number(config['beta_end']), Number(config['snr_shift_scale'])];
    let product = 1;
    const roots = Array.from({ length: 1000 }, (_, i) => {
      product *= 1 - (Math.sqrt(start) + ((Math.sqrt(end) - Math.sqrt(start)) * i) / 999) ** 2;
      return Math.sqrt(product / (shift + (1 - shift) * product));
    });
    const [first, last] = [roots[0] as number, roots.at(-1) as number];
    this.#alphas = roots.map((root) => (((root - last) * first) / (first - last)) ** 2);
  }

  setTimesteps(count: number): void {
    this.#stride = Math.floor(1000 / count);
    this.timesteps = Array.from({ length: count }, (_, i) => Math.round(1000 - (i * 1000) / count) - 1);
  }

  scaleModelInput(sample: Tensor): Tensor {
    return sample;
  }

  addNoise(): never {
    throw new TypeError('not for this');
  }

  step(velocity: Tensor, timestep: number, sample: Tensor): StepResult {
    const alpha = this.#alphas[timestep] as number;
    const before = timestep < this.#stride ? 1 : (this.#alphas[timestep - this.#stride] as number);
    const ofSample = Math.sqrt((1 - before) / (1 - alpha));
    const ofImage = Math.sqrt(before) - Math.sqrt(alpha) * ofSample;
    const data = (sample.data as Float32Array).map((x, i) => ofSample * x + ofImage * (Math.sqrt(alpha) * x - Math.sqrt(1 - alpha) * (velocity.data[i] as number)));
    return { prevSample: new Tensor('float32', data, sample.dims) };
  }
}

/** Provides the scheduler that cogvideox-tiny names. */
export class ShiftedDDIMPlugin implements Plugin {
  readonly name = 'test:shifted-ddim';

  apply(ctx: PluginContext): void {
    ctx.provide(SCHEDULERS, { CogVideoXDDIMScheduler: { fromConfig: (config: JsonObject) => new ShiftedDDIM(config) } });
  }
}
