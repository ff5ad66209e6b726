import type { Tensor } from 'onnxruntime-common';
import { choiceField } from '../fields/Field.js';
import { lagrangePolynomial } from './numeric/lagrangePolynomial.js';
import { PREDICTION_TYPES } from './numeric/predictOriginalSample.js';
import { sigmaConversion, sigmaFields } from './numeric/sigmaConversion.js';
import { spacedTimesteps32 } from './numeric/spacedTimesteps.js';
import { type Term, weightedSum } from './numeric/tensors.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import type { SetTimestepsOptions, StepOptions, PredictedStep } from './Scheduler.js';
import { checkStep } from './solvers/checkStep.js';
import { kDiffusionFields, KDiffusionScheduler } from './solvers/KDiffusionScheduler.js';
import { resolveStepCount } from './solvers/resolveStepCount.js';

const FIELDS = {
  ...kDiffusionFields,
  ...sigmaFields,
  prediction_type: choiceField('epsilon', PREDICTION_TYPES),
};

/**
 * A linear multistep method: the last derivatives, four by default, are interpolated by a polynomial over the noise levels, which is integrated
 * to the next one.
 *
 * Source: k-diffusion's `sample_lms`; diffusers `scheduling_lms_discrete.py`.
 */
export class LMSDiscreteScheduler extends KDiffusionScheduler<SchedulerConfig<typeof FIELDS>> {
  readonly #convert = sigmaConversion('LMSDiscreteScheduler', this.config);
  /** The newest one first. */
  #derivatives: readonly Tensor[] = [];

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    super(readSchedulerConfig('LMSDiscreteScheduler', FIELDS, config));
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: 'LMSDiscreteScheduler',
      max: this.config.num_train_timesteps,
    });
    let timesteps = spacedTimesteps32(count, this.config);
    let sigmas = timesteps.map((t) => this.trained.at(t));
    if (this.#convert) {
      sigmas = this.#convert(sigmas.at(-1)!, sigmas[0]!, count);
      timesteps = sigmas.map((sigma) => Math.fround(this.trained.timestepOf(sigma)));
    }
    this.run.begin({ timesteps, sigmas: [...sigmas, 0] });
    this.#derivatives = [];
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): PredictedStep {
    checkStep('LMSDiscreteScheduler', modelOutput, sample, options);
    const { order = 4 } = options;
    const index = this.run.stepIndex(timestep);
    const sigma = this.sigmas[index]!;

    // 1. the derivative (x - image) / σ
    const predOriginalSample = this.predictOriginalSample(modelOutput, sample, sigma);
    const derivative = weightedSum([1 / sigma, sample], [-1 / sigma, predOriginalSample]);
    this.#derivatives = [derivative, ...this.#derivatives].slice(0, order);

    // 2. the integral of the polynomial through the last ones
    const nodes = this.#derivatives.map((_, k) => this.sigmas[index - k]!);
    const terms = this.#derivatives.map((d, k): Term => [
      lagrangeIntegral(nodes, k, sigma, this.sigmas[index + 1]!),
      d,
    ]);
    this.run.advance();
    return { prevSample: weightedSum([1, sample], ...terms), predOriginalSample };
  }
}

/** The integral from `from` to `to` of the polynomial that is 1 at `nodes[k]` and 0 at the others. */
function lagrangeIntegral(nodes: readonly number[], k: number, from: number, to: number): number {
  return lagrangePolynomial(nodes, k, from).reduce(
    (sum, c, power) => sum + (c * (to - from) ** (power + 1)) / (power + 1),
    0,
  );
}
