import type { Tensor } from 'onnxruntime-common';
import { choiceField } from '../fields/Field.js';
import { dynamicThreshold } from './numeric/clipOriginalSample.js';
import { lagrangePolynomial } from './numeric/lagrangePolynomial.js';
import { shiftOf } from './numeric/shiftSigmas.js';
import { sigmaConversion } from './numeric/sigmaConversion.js';
import { roundHalfEven } from './numeric/numpy.js';
import { mostSteps, multistepTimesteps } from './numeric/spacedTimesteps.js';
import { type Term, weightedSum } from './numeric/tensors.js';
import {
  readSchedulerConfig,
  renamedChoice,
  type SchedulerConfig,
  type SchedulerConfigInput,
} from './readSchedulerConfig.js';
import type { SetTimestepsOptions, StepOptions, PredictedStep } from './Scheduler.js';
import { checkStep } from './solvers/checkStep.js';
import { flowSchedule, multistepFields, MultistepScheduler, noiseOf } from './solvers/MultistepScheduler.js';
import { resolveStepCount } from './solvers/resolveStepCount.js';
import type { SigmaSchedule } from './solvers/SigmaRun.js';

const FIELDS = {
  ...multistepFields,
  algorithm_type: choiceField('deis', ['deis']),
  solver_type: choiceField('logrho', ['logrho']),
  time_shift_type: choiceField('exponential', ['exponential', 'linear']),
};

/** Runs of fewer steps end with steps of lower order, where the config has `lower_order_final`. */
const FEW_STEPS = 15;

/**
 * DEIS: the noise that the model predicted last, up to three times, is interpolated by a polynomial of log ρ, with ρ = σ / α, and integrated over ρ to
 * the next noise level. The last step ends at the least noise level that was trained, not at 0.
 *
 * Source: Q. Zhang, Y. Chen, "Fast Sampling of Diffusion Models with Exponential Integrator", 2022; diffusers `scheduling_deis_multistep.py`.
 */
export class DEISMultistepScheduler extends MultistepScheduler<SchedulerConfig<typeof FIELDS>> {
  readonly #convert = sigmaConversion('DEISMultistepScheduler', this.config);
  /** What noise the model saw, the newest first. */
  #predictions: readonly Tensor[] = [];

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    const ours = renamedChoice(
      renamedChoice(config, 'solver_type', { midpoint: 'logrho', heun: 'logrho', bh1: 'logrho', bh2: 'logrho' }),
      'algorithm_type',
      { dpmsolver: 'deis', 'dpmsolver++': 'deis', 'sde-dpmsolver': 'deis', 'sde-dpmsolver++': 'deis' },
    );
    super(readSchedulerConfig('DEISMultistepScheduler', FIELDS, ours));
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: 'DEISMultistepScheduler',
      takes: ['mu'],
      max: mostSteps(this.config),
    });
    const { timesteps, sigmas } = this.#schedule(count, shiftOf(options.mu, this.config, this.config.flow_shift));
    this.run.begin({ timesteps: timesteps.map(Math.trunc), sigmas });
    this.#predictions = [];
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): PredictedStep {
    checkStep('DEISMultistepScheduler', modelOutput, sample, options);
    const index = this.run.stepIndex(timestep);

    // 1. the noise that the model sees
    const predOriginalSample = this.#image(modelOutput, sample, index);
    const noise = this.#noise(modelOutput, sample, index, predOriginalSample);
    this.#predictions = [noise, ...this.#predictions].slice(0, this.config.solver_order);

    // 2. its integral over ρ, from the last predictions
    const order = Math.min(this.#predictions.length, this.#orderAt(index));
    const [alphaS] = this.mixture(this.sigmas[index]!);
    const [alpha] = this.mixture(this.sigmas[index + 1]!);
    const weights = this.#integrals(index, order);
    const terms = weights.map((weight, k): Term => [alpha * weight, this.#predictions[k]!]);
    this.run.advance();
    return { prevSample: weightedSum([alpha / alphaS, sample], ...terms), predOriginalSample };
  }

  /** The highest order that is stable at this place of the run. */
  #orderAt(index: number): number {
    const left = this.timesteps.length - index;
    return this.config.lower_order_final && this.timesteps.length < FEW_STEPS ? Math.min(left, 3) : 3;
  }

  #schedule(count: number, shift: number): SigmaSchedule {
    const { num_train_timesteps: trained, use_flow_sigmas: flow, use_karras_sigmas: karras } = this.config;
    if (this.#convert) {
      const sigmas = this.#convert(this.trained.least, this.trained.most, count);
      const timesteps = sigmas.map((sigma) => this.trained.timestepOf(sigma));
      return { sigmas: [...sigmas, sigmas.at(-1)!], timesteps: karras ? timesteps.map(roundHalfEven) : timesteps };
    }
    if (flow) {
      const { sigmas, timesteps } = flowSchedule(count, trained, shift);
      return { sigmas: [...sigmas, sigmas.at(-1)!], timesteps };
    }
    const timesteps = multistepTimesteps(count, trained, this.config);
    return { timesteps, sigmas: [...timesteps.map((t) => this.trained.at(t)), this.trained.least] };
  }

  #image(modelOutput: Tensor, sample: Tensor, index: number): Tensor {
    const { thresholding, dynamic_thresholding_ratio: ratio, sample_max_value: max } = this.config;
    const image = this.predictOriginalSample(modelOutput, sample, index);
    return thresholding ? dynamicThreshold(image, ratio, max) : image;
  }

  /** What is left of the sample without the image; where the model says it itself, it is taken as it is. */
  #noise(modelOutput: Tensor, sample: Tensor, index: number, image: Tensor): Tensor {
    const { thresholding, prediction_type: prediction } = this.config;
    if (!thresholding && prediction !== 'flow_prediction') return this.predictNoise(modelOutput, sample, index);
    const [alpha, sigma] = this.mixture(this.sigmas[index]!);
    return noiseOf(image, sample, alpha, prediction === 'flow_prediction' ? this.sigmas[index]! : sigma);
  }

  /** What each of the last `order` predictions is multiplied by, newest first: ∫ of its part of the polynomial over ρ. */
  #integrals(index: number, order: number): number[] {
    const nodes = Array.from({ length: order }, (_, k) => -this.lambdaAt(index - k));
    const from = nodes[0]!;
    const width = -this.lambdaAt(index + 1) - from;
    return nodes.map((_, k) =>
      lagrangePolynomial(nodes, k, from).reduce(
        (sum, c, power) => sum + c * Math.exp(from) * exponentialMoment(power, width),
        0,
      ),
    );
  }
}

/** ∫ uᵖ eᵘ du from 0 to `width`. By parts: the one of power 0 is eᵘ - 1. */
function exponentialMoment(power: number, width: number): number {
  if (power === 0) return Math.expm1(width);
  return width ** power * Math.exp(width) - power * exponentialMoment(power - 1, width);
}
