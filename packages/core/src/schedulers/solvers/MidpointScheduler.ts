import type { Tensor } from 'onnxruntime-common';
import { choiceField } from '../../fields/Field.js';
import { stableDiffusionBetaFields } from '../numeric/betaSchedule.js';
import { roundHalfEven } from '../numeric/numpy.js';
import { sigmaConversion, sigmaFields } from '../numeric/sigmaConversion.js';
import { spacedTimesteps32 } from '../numeric/spacedTimesteps.js';
import { mapTensor, type Term, weightedSum } from '../numeric/tensors.js';
import type { SchedulerConfig } from '../readSchedulerConfig.js';
import type { SetTimestepsOptions, StepOptions, PredictedStep } from '../Scheduler.js';
import { kDiffusionFields, KDiffusionScheduler } from './KDiffusionScheduler.js';
import { resolveStepCount } from './resolveStepCount.js';
import { checkStep } from './checkStep.js';

/** The config fields that all of them have. */
export const midpointFields = {
  ...kDiffusionFields,
  ...sigmaFields,
  ...stableDiffusionBetaFields,
  prediction_type: choiceField('epsilon', ['epsilon', 'v_prediction']),
};

type MidpointConfig = SchedulerConfig<typeof midpointFields>;

/**
 * The solvers that k-diffusion calls DPM2: a step of Euler's to the geometric mean of two noise levels, then the whole step again from its start, along
 * the derivative that the model gives there. Two calls of the model a step, but one for the last: n steps are 2n - 1 timesteps.
 */
export abstract class MidpointScheduler extends KDiffusionScheduler<MidpointConfig> {
  override readonly order = 2;
  readonly #convert = sigmaConversion(this.config._class_name, this.config);
  /** The noise level in the middle of each step. */
  #middles: readonly number[] = [];
  /** Where the step began whose middle was reached. */
  #start: Tensor | undefined;

  /** How far down the step from one noise level to the next one goes. */
  protected abstract downTo(from: number, to: number): number;

  /** What a whole step adds beside; nothing, if it goes all the way. */
  protected abstract noiseOfStep(from: number, to: number, dims: readonly number[], options: StepOptions): Term[];

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: this.config._class_name,
      max: this.config.num_train_timesteps,
    });
    let timesteps = spacedTimesteps32(count, this.config);
    let sigmas = timesteps.map((t) => this.trained.at(t));
    if (this.#convert) {
      sigmas = this.#convert(sigmas.at(-1)!, sigmas[0]!, count);
      timesteps = sigmas.map((sigma) => this.trained.timestepOf(sigma));
      if (this.config.use_karras_sigmas) timesteps = timesteps.map(roundHalfEven);
    }
    const levels = [...sigmas, 0].map(Math.fround);
    const middles = sigmas.map((_, i) => Math.fround(Math.sqrt(levels[i]! * this.downTo(levels[i]!, levels[i + 1]!))));
    const between = middles.map((sigma) => Math.fround(this.trained.timestepOf(sigma)));
    this.run.begin({
      timesteps: timesteps.flatMap((t, i) => (i === 0 ? [t] : [between[i - 1]!, t])),
      sigmas: [...levels.flatMap((sigma, i) => (i === 0 ? [sigma] : [sigma, sigma])), 0],
    });
    this.#middles = middles;
    this.#start = undefined;
  }

  override scaleModelInput(sample: Tensor, timestep: number): Tensor {
    const { from, middle } = this.#place(this.run.stepIndex(timestep));
    const scale = Math.sqrt((this.#start === undefined ? from : middle) ** 2 + 1);
    return mapTensor(sample, (x) => x / scale);
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): PredictedStep {
    checkStep(this.config._class_name, modelOutput, sample, options);
    const { from, middle, to } = this.#place(this.run.stepIndex(timestep));
    const start = this.#start;
    if (start === undefined) {
      // 1. along the derivative (x - image) / σ to the middle
      const predOriginalSample = this.predictOriginalSample(modelOutput, sample, from);
      const share = (middle - from) / from;
      this.#start = sample;
      this.run.advance();
      return { prevSample: weightedSum([1 + share, sample], [-share, predOriginalSample]), predOriginalSample };
    }
    // 2. from the start again, along the derivative in the middle
    const predOriginalSample = this.predictOriginalSample(modelOutput, sample, middle);
    const share = (this.downTo(from, to) - from) / middle;
    const noise = this.noiseOfStep(from, to, sample.dims, options);
    this.#start = undefined;
    this.run.advance();
    return {
      prevSample: weightedSum([1, start], [share, sample], [-share, predOriginalSample], ...noise),
      predOriginalSample,
    };
  }

  /** The noise levels of the step that the call at `index` belongs to. */
  #place(index: number): { readonly from: number; readonly middle: number; readonly to: number } {
    const step = this.#start === undefined ? Math.ceil(index / 2) : Math.floor(index / 2);
    return { from: this.sigmas[2 * step]!, middle: this.#middles[step]!, to: this.sigmas[2 * step + 1]! };
  }
}
