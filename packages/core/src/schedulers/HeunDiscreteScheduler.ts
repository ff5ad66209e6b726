import type { Tensor } from 'onnxruntime-common';
import { booleanField, choiceField } from '../fields/Field.js';
import { betaScheduleField, stableDiffusionBetaFields } from './numeric/betaSchedule.js';
import { clipFields } from './numeric/clipOriginalSample.js';
import { clamp } from './numeric/numpy.js';
import { PREDICTION_TYPES } from './numeric/predictOriginalSample.js';
import { sigmaConversion, sigmaFields } from './numeric/sigmaConversion.js';
import { spacedTimesteps32 } from './numeric/spacedTimesteps.js';
import { mapTensor, weightedSum } from './numeric/tensors.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import type { SetTimestepsOptions, StepOptions, PredictedStep } from './Scheduler.js';
import { checkStep } from './solvers/checkStep.js';
import { kDiffusionFields, KDiffusionScheduler } from './solvers/KDiffusionScheduler.js';
import { resolveStepCount } from './solvers/resolveStepCount.js';

const FIELDS = {
  ...kDiffusionFields,
  ...sigmaFields,
  ...clipFields,
  ...stableDiffusionBetaFields,
  beta_schedule: betaScheduleField('linear', ['exp']),
  clip_sample: booleanField(false),
  prediction_type: choiceField('epsilon', PREDICTION_TYPES),
};

/** The first half of a step, for the second one to finish. */
interface FirstHalf {
  readonly sample: Tensor;
  readonly predOriginalSample: Tensor;
  readonly sigma: number;
}

/**
 * Heun's method: a step of Euler's, then the same step again with the mean of the derivatives at both ends. Two calls of the model a step, but
 * one for the last: n steps are 2n - 1 timesteps.
 *
 * Source: T. Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", 2022, algorithm 1; diffusers
 * `scheduling_heun_discrete.py`.
 */
export class HeunDiscreteScheduler extends KDiffusionScheduler<SchedulerConfig<typeof FIELDS>> {
  override readonly order = 2;
  readonly #convert = sigmaConversion('HeunDiscreteScheduler', this.config);
  #firstHalf: FirstHalf | undefined;

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    super(readSchedulerConfig('HeunDiscreteScheduler', FIELDS, config));
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: 'HeunDiscreteScheduler',
      takes: ['timesteps'],
      max: this.config.num_train_timesteps,
      ownSpacing: this.#convert !== undefined,
    });
    let timesteps = options.timesteps?.map(Math.fround) ?? spacedTimesteps32(count, this.config);
    let sigmas = timesteps.map((t) => this.trained.at(t));
    if (this.#convert) {
      sigmas = this.#convert(sigmas.at(-1)!, sigmas[0]!, count);
      timesteps = sigmas.map((sigma) => Math.fround(this.trained.timestepOf(sigma)));
    }
    this.run.begin({ timesteps: twiceButFirst(timesteps), sigmas: [...twiceButFirst(sigmas), 0] });
    this.#firstHalf = undefined;
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): PredictedStep {
    checkStep('HeunDiscreteScheduler', modelOutput, sample, options);
    const index = this.run.stepIndex(timestep);
    const first = this.#firstHalf;

    // 1. the image that the model sees: at the start of the step, and then at its end
    const sigma = this.sigmas[index]!;
    const predOriginalSample = this.#clip(this.predictOriginalSample(modelOutput, sample, sigma));

    // 2. along the derivative (x - image) / σ from the start to the end, and then from the start again, along the mean of both
    if (first === undefined) {
      const share = (this.sigmas[index + 1]! - sigma) / sigma;
      this.#firstHalf = { sample, predOriginalSample, sigma };
      this.run.advance();
      return { prevSample: weightedSum([1 + share, sample], [-share, predOriginalSample]), predOriginalSample };
    }
    const [startShare, endShare] = [(sigma - first.sigma) / first.sigma / 2, (sigma - first.sigma) / sigma / 2];
    const prevSample = weightedSum(
      [1 + startShare, first.sample],
      [-startShare, first.predOriginalSample],
      [endShare, sample],
      [-endShare, predOriginalSample],
    );
    this.#firstHalf = undefined;
    this.run.advance();
    return { prevSample, predOriginalSample };
  }

  #clip(originalSample: Tensor): Tensor {
    const { clip_sample: clip, clip_sample_range: range } = this.config;
    return clip ? mapTensor(originalSample, (x) => clamp(x, -range, range)) : originalSample;
  }
}

function twiceButFirst(values: readonly number[]): number[] {
  return values.flatMap((value, i) => (i === 0 ? [value] : [value, value]));
}
