import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import { booleanField, choiceField, type ConfigField, nullable } from '../fields/Field.js';
import { dynamicThreshold } from './numeric/clipOriginalSample.js';
import { linspace, roundHalfEven } from './numeric/numpy.js';
import { shiftOf } from './numeric/shiftSigmas.js';
import { sigmaConversion } from './numeric/sigmaConversion.js';
import { mostSteps, multistepTimesteps } from './numeric/spacedTimesteps.js';
import { type Term, weightedSum } from './numeric/tensors.js';
import {
  readSchedulerConfig,
  renamedChoice,
  type SchedulerConfig,
  type SchedulerConfigInput,
} from './readSchedulerConfig.js';
import type { SetTimestepsOptions, StepOptions, StepResult } from './Scheduler.js';
import {
  flowSchedule,
  imageOf,
  multistepFields,
  MultistepScheduler,
  noiseOf,
  rangeFields,
} from './solvers/MultistepScheduler.js';
import { checkStepOptions } from './solvers/checkStep.js';
import { resolveStepCount } from './solvers/resolveStepCount.js';
import type { SigmaSchedule } from './solvers/SigmaRun.js';
import { splitLearnedVariance, VARIANCE_TYPES } from './solvers/splitLearnedVariance.js';
import { stepNoise } from './solvers/stepNoise.js';

/** Minus infinity, the default, is null in JSON. */
const lambdaMinField: ConfigField<number | null> = {
  default: -Infinity,
  expected: 'a number, -Infinity or null',
  accepts: (x) => x === null || x === -Infinity || Number.isFinite(x),
};

const FIELDS = {
  ...multistepFields,
  ...rangeFields,
  algorithm_type: choiceField('dpmsolver++', ['dpmsolver', 'dpmsolver++', 'sde-dpmsolver', 'sde-dpmsolver++']),
  solver_type: choiceField('midpoint', ['midpoint', 'heun']),
  euler_at_final: booleanField(false),
  use_lu_lambdas: booleanField(false),
  lambda_min_clipped: lambdaMinField,
  variance_type: nullable(choiceField('learned', VARIANCE_TYPES)),
  time_shift_type: choiceField('exponential', ['exponential', 'linear']),
};

/** Runs of fewer steps end with steps of lower order, where the config has `lower_order_final`. */
const FEW_STEPS = 15;

/**
 * DPM-Solver++ as a multistep method, of first to third order: 2M by default, 2M SDE with `algorithm_type: 'sde-dpmsolver++'`, which draws
 * noise at every step, each with Karras' noise levels with `use_karras_sigmas`.
 *
 * Source: C. Lu et al., "DPM-Solver", 2022, and "DPM-Solver++", 2022, algorithm 2; diffusers `scheduling_dpmsolver_multistep.py`.
 */
export class DPMSolverMultistepScheduler extends MultistepScheduler<SchedulerConfig<typeof FIELDS>> {
  readonly #convert = sigmaConversion('DPMSolverMultistepScheduler', this.config);
  /** What the model predicted, image or noise, the newest one first. */
  #predictions: readonly Tensor[] = [];

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have, and for values that do not go together */
  constructor(config: SchedulerConfigInput = {}) {
    const ours = renamedChoice(
      renamedChoice(config, 'solver_type', { logrho: 'midpoint', bh1: 'midpoint', bh2: 'midpoint' }),
      'algorithm_type',
      { deis: 'dpmsolver++' },
    );
    super(readSchedulerConfig('DPMSolverMultistepScheduler', FIELDS, ours));
    this.#checkConfig();
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: 'DPMSolverMultistepScheduler',
      takes: ['timesteps', 'mu'],
      max: mostSteps(this.config),
      maxTimestep: this.config.num_train_timesteps - 1,
      ownSpacing: this.#convert !== undefined || this.config.use_lu_lambdas || this.config.use_flow_sigmas,
    });
    const { timesteps, sigmas } = this.#schedule(count, options);
    const last = this.config.final_sigmas_type === 'zero' ? 0 : this.trained.least;
    this.run.begin({ timesteps: timesteps.map(Math.trunc), sigmas: [...sigmas, last] });
    this.#predictions = [];
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): StepResult {
    const { solver_order: solverOrder, algorithm_type: algorithm } = this.config;
    checkStepOptions('DPMSolverMultistepScheduler', options);
    const { prediction: output } = splitLearnedVariance(modelOutput, sample, this.config.variance_type);
    const index = this.run.stepIndex(timestep);
    const noise = algorithm.startsWith('sde')
      ? stepNoise('DPMSolverMultistepScheduler', `algorithm_type is ${algorithm}`, sample.dims, options)
      : undefined;

    // 1. what the algorithm integrates: the image, or the noise
    const prediction = this.#predict(output, sample, index);
    this.#predictions = [prediction, ...this.#predictions].slice(0, solverOrder);

    // 2. from the last predictions to the next latents
    const order = Math.min(solverOrder, this.#predictions.length, this.#orderAt(index));
    const terms = this.#update(index, order);
    const prevSample = weightedSum(
      [terms.sample, sample],
      ...terms.predictions.map((weight, i): Term => [weight, this.#predictions[i]!]),
      ...(noise ? [[terms.noise, noise] as const] : []),
    );
    this.run.advance();
    return this.#predictsImage ? { prevSample, predOriginalSample: prediction } : { prevSample };
  }

  get #predictsImage(): boolean {
    return this.config.algorithm_type.endsWith('++');
  }

  #checkConfig(): void {
    const {
      algorithm_type: algorithm,
      final_sigmas_type: final,
      prediction_type: prediction,
      solver_order: order,
      use_lu_lambdas: lu,
    } = this.config;
    const fail = (field: string, value: unknown, expected: string): never => {
      throw new ThimbleError('ERR_CONFIG_INVALID', {
        component: 'DPMSolverMultistepScheduler',
        field,
        value,
        expected,
      });
    };
    if (lu && this.#convert) fail('use_lu_lambdas', lu, 'false, because another spacing of the noise levels is chosen');
    if (this.#predictsImage) return;
    if (final === 'zero') fail('final_sigmas_type', final, `"sigma_min", because algorithm_type is "${algorithm}"`);
    if (prediction === 'flow_prediction')
      fail('prediction_type', prediction, `another one, because algorithm_type is "${algorithm}"`);
    if (algorithm === 'sde-dpmsolver' && order === 3)
      fail('solver_order', order, `1 or 2, because algorithm_type is "${algorithm}"`);
  }

  #schedule(count: number, { timesteps: own, mu }: SetTimestepsOptions): SigmaSchedule {
    const {
      num_train_timesteps: trained,
      beta_schedule: betaSchedule,
      use_flow_sigmas: flow,
      use_karras_sigmas: karras,
      use_lu_lambdas: lu,
      flow_shift: flowShift,
    } = this.config;
    const shift = mu === undefined ? flowShift : shiftOf(mu, this.config, flowShift);
    const { least, most } = this.trained;
    if (this.#convert || lu) {
      const sigmas =
        this.#convert?.(least, most, count) ??
        linspace(Math.fround(Math.log(most)), Math.fround(Math.log(least)), count).map(Math.exp);
      const timesteps = sigmas.map((sigma) => this.trained.timestepOf(sigma));
      return {
        sigmas,
        timesteps: (karras || lu) && betaSchedule !== 'squaredcos_cap_v2' ? timesteps.map(roundHalfEven) : timesteps,
      };
    }
    if (flow) return flowSchedule(count, trained, shift);
    const timesteps =
      own?.map(Math.trunc) ?? multistepTimesteps(count, trained - this.#clippedTimesteps(), this.config);
    return { timesteps, sigmas: timesteps.map((t) => this.trained.at(t)) };
  }

  /** How many of the noisiest timesteps `lambda_min_clipped` cuts off: needed with the cosine schedule. */
  #clippedTimesteps(): number {
    const least = this.config.lambda_min_clipped ?? -Infinity;
    return this.alphasCumprod.filter((alpha) => Math.log(Math.sqrt(alpha)) - Math.log(Math.sqrt(1 - alpha)) < least)
      .length;
  }

  #predict(output: Tensor, sample: Tensor, index: number): Tensor {
    const { thresholding, dynamic_thresholding_ratio: ratio, sample_max_value: max } = this.config;
    if (this.#predictsImage) {
      const image = this.predictOriginalSample(output, sample, index);
      return thresholding ? dynamicThreshold(image, ratio, max) : image;
    }
    const noise = this.predictNoise(output, sample, index);
    if (!thresholding) return noise;
    const [alpha, sigma] = this.mixture(this.sigmas[index]!);
    return noiseOf(dynamicThreshold(imageOf(noise, sample, alpha, sigma), ratio, max), sample, alpha, sigma);
  }

  /** The highest order that is stable at this place of the run. */
  #orderAt(index: number): number {
    const { lower_order_final: lowerOrderFinal, euler_at_final: eulerAtFinal, final_sigmas_type: final } = this.config;
    const left = this.timesteps.length - index;
    const few = lowerOrderFinal && this.timesteps.length < FEW_STEPS;
    if (left === 1 && (eulerAtFinal || few || final === 'zero')) return 1;
    return left === 2 && few ? 2 : 3;
  }

  /** What the sample, the last predictions, newest first, and new noise are multiplied by. */
  #update(
    index: number,
    order: number,
  ): { readonly sample: number; readonly predictions: readonly number[]; readonly noise: number } {
    const lambda = this.lambdaAt(index);
    const h = this.lambdaAt(index + 1) - lambda;
    const { sample, noise, d0, d1, d2 } = this.#weights(index, h, order);
    if (order === 1) return { sample, noise, predictions: [d0] };
    const r0 = (lambda - this.lambdaAt(index - 1)) / h;
    if (order === 2) return { sample, noise, predictions: [d0 + d1 / r0, -d1 / r0] };
    const r1 = (this.lambdaAt(index - 1) - this.lambdaAt(index - 2)) / h;
    const newer = (d1 * (1 + r0 / (r0 + r1)) + d2 / (r0 + r1)) / r0;
    const older = -(d1 * (r0 / (r0 + r1)) + d2 / (r0 + r1)) / r1;
    return { sample, noise, predictions: [d0 + newer, older - newer, -older] };
  }

  /** The weights of the predictions' value and of its first and second differences: the integrals of 1, λ and λ² over the step. */
  #weights(
    index: number,
    h: number,
    order: number,
  ): {
    readonly sample: number;
    readonly d0: number;
    readonly d1: number;
    readonly d2: number;
    readonly noise: number;
  } {
    const [alphaS, sigmaS] = this.mixture(this.sigmas[index]!);
    const [alpha, sigma] = this.mixture(this.sigmas[index + 1]!);
    const midpoint = order === 2 && this.config.solver_type === 'midpoint';
    switch (this.config.algorithm_type) {
      case 'dpmsolver++': {
        const phi = Math.expm1(-h);
        return {
          sample: sigma / sigmaS,
          d0: -alpha * phi,
          d1: midpoint ? -0.5 * alpha * phi : alpha * (phi / h + 1),
          d2: -alpha * ((phi + h) / h ** 2 - 0.5),
          noise: 0,
        };
      }
      case 'dpmsolver': {
        const phi = Math.expm1(h);
        return {
          sample: alpha / alphaS,
          d0: -sigma * phi,
          d1: midpoint ? -0.5 * sigma * phi : -sigma * (phi / h - 1),
          d2: -sigma * ((phi - h) / h ** 2 - 0.5),
          noise: 0,
        };
      }
      case 'sde-dpmsolver++': {
        const phi = -Math.expm1(-2 * h);
        return {
          sample: (sigma / sigmaS) * Math.exp(-h),
          d0: alpha * phi,
          d1: midpoint ? 0.5 * alpha * phi : alpha * (phi / (-2 * h) + 1),
          d2: alpha * ((phi - 2 * h) / (2 * h) ** 2 - 0.5),
          noise: sigma * Math.sqrt(phi),
        };
      }
      case 'sde-dpmsolver': {
        const phi = Math.expm1(h);
        return {
          sample: alpha / alphaS,
          d0: -2 * sigma * phi,
          d1: midpoint ? -sigma * phi : -2 * sigma * (phi / h - 1),
          d2: 0,
          noise: sigma * Math.sqrt(Math.expm1(2 * h)),
        };
      }
    }
  }
}
