import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import { booleanField, choiceField, type ConfigField, nullable, numberField } from '../fields/Field.js';
import { dynamicThreshold } from './numeric/clipOriginalSample.js';
import { linspace, roundHalfEven, solveLinear } from './numeric/numpy.js';
import { shiftOf, shiftSigmas, stretchToTerminal } from './numeric/shiftSigmas.js';
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
import { checkStep } from './solvers/checkStep.js';
import { multistepFields, MultistepScheduler, rangeFields } from './solvers/MultistepScheduler.js';
import { resolveStepCount } from './solvers/resolveStepCount.js';
import type { SigmaSchedule } from './solvers/SigmaRun.js';

const stepsField: ConfigField<readonly number[]> = {
  default: [],
  expected: 'a list of step numbers, from 0',
  accepts: (x) => Array.isArray(x) && x.every((step) => Number.isSafeInteger(step) && step >= 0),
};

const noSolverField: ConfigField<null> = {
  default: null,
  expected: 'null: another scheduler as predictor is not supported',
  accepts: (x) => x === null,
};

const FIELDS = {
  ...multistepFields,
  ...rangeFields,
  predict_x0: booleanField(true),
  solver_type: choiceField('bh2', ['bh1', 'bh2']),
  disable_corrector: stepsField,
  solver_p: noSolverField,
  time_shift_type: choiceField('exponential', ['exponential', 'linear']),
  sigma_min: nullable(numberField(0)),
  sigma_max: nullable(numberField(0)),
  shift_terminal: nullable(numberField(0)),
};

/** Keeps λ finite at the start of flow matching, where nothing is left of the image. */
const FLOW_EPSILON = 1e-6;

/**
 * UniPC: a predictor of order `solver_order`, and a corrector that uses the model's output at the end of a step to do the step over, at no
 * further call of the model. The 4K example of diffusers' guide uses it.
 *
 * The last step to a noise level of 0 is of first order, where diffusers can give NaN.
 *
 * Source: W. Zhao et al., "UniPC", 2023, algorithms 5 to 8; diffusers `scheduling_unipc_multistep.py`.
 */
export class UniPCMultistepScheduler extends MultistepScheduler<SchedulerConfig<typeof FIELDS>> {
  readonly #convert = sigmaConversion('UniPCMultistepScheduler', this.config);
  /** What the model predicted, image or noise, the newest one first. */
  #predictions: readonly Tensor[] = [];
  /** Where the last step started, and its order: for the corrector. */
  #last: { readonly sample: Tensor; readonly order: number } | undefined;

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have, and for values that do not go together */
  constructor(config: SchedulerConfigInput = {}) {
    const ours = renamedChoice(config, 'solver_type', { midpoint: 'bh2', heun: 'bh2', logrho: 'bh2' });
    super(readSchedulerConfig('UniPCMultistepScheduler', FIELDS, ours));
    this.#checkConfig();
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const { use_flow_sigmas: flow } = this.config;
    const takes = ['mu' as const, ...(flow ? ['sigmas' as const] : [])];
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: 'UniPCMultistepScheduler',
      takes,
      max: mostSteps(this.config),
    });
    const shift = shiftOf(options.mu, this.config, this.config.flow_shift);
    const { timesteps, sigmas } = this.#schedule(count, options.sigmas, shift);
    this.run.begin({ timesteps: timesteps.map(Math.trunc), sigmas });
    this.#predictions = [];
    this.#last = undefined;
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): StepResult {
    checkStep('UniPCMultistepScheduler', modelOutput, sample, options);
    const index = this.run.stepIndex(timestep);
    const {
      solver_order: solverOrder,
      lower_order_final: lowerOrderFinal,
      disable_corrector: uncorrected,
    } = this.config;
    const prediction = this.#predict(modelOutput, sample, index);

    // 1. the step before, done over with what the model says at its end
    const corrected =
      this.#last !== undefined && index > 0 && !uncorrected.includes(index - 1)
        ? this.#correct(prediction, this.#last.sample, index, this.#last.order)
        : sample;
    this.#predictions = [prediction, ...this.#predictions].slice(0, solverOrder);

    // 2. the order of this step: lower at the start, where few predictions are known, and at the end
    const left = this.timesteps.length - index;
    const highest = this.sigmas[index + 1] === 0 ? 1 : lowerOrderFinal ? left : solverOrder;
    const order = Math.min(solverOrder, highest, this.#predictions.length);

    // 3. to the next noise level
    const prevSample = this.#advanceFrom(corrected, index, order);
    this.#last = { sample: corrected, order };
    this.run.advance();
    return this.config.predict_x0 ? { prevSample, predOriginalSample: prediction } : { prevSample };
  }

  #checkConfig(): void {
    const {
      predict_x0: predictX0,
      prediction_type: prediction,
      shift_terminal: terminal,
      use_flow_sigmas: flow,
    } = this.config;
    const fail = (field: string, value: unknown, expected: string): never => {
      throw new ThimbleError('ERR_CONFIG_INVALID', { component: 'UniPCMultistepScheduler', field, value, expected });
    };
    if (terminal !== null && !flow) fail('shift_terminal', terminal, 'null while use_flow_sigmas is false');
    if (!predictX0 && prediction === 'flow_prediction')
      fail('predict_x0', predictX0, 'true, because prediction_type is "flow_prediction"');
  }

  #schedule(count: number, own: readonly number[] | undefined, shift: number): SigmaSchedule {
    const {
      num_train_timesteps: trained,
      use_flow_sigmas: flow,
      use_karras_sigmas: karras,
      final_sigmas_type: final,
    } = this.config;
    const withEnd = (sigmas: readonly number[], least: number): readonly number[] => [
      ...sigmas,
      final === 'zero' ? 0 : least,
    ];
    if (this.#convert) {
      const [least, most] = [own?.at(-1) ?? this.trained.least, own?.[0] ?? this.trained.most];
      const converted = this.#convert(this.config.sigma_min ?? least, this.config.sigma_max ?? most, count);
      const sigmas = flow && karras ? converted.map((sigma) => sigma / (sigma + 1)) : converted;
      const timesteps =
        flow && karras ? sigmas.map((sigma) => sigma * trained) : sigmas.map((sigma) => this.trained.timestepOf(sigma));
      return {
        sigmas: withEnd(sigmas, sigmas.at(-1)!),
        timesteps: karras && !flow ? timesteps.map(roundHalfEven) : timesteps,
      };
    }
    if (flow) {
      const sigmas = this.#flowSigmas(own ?? linspace(1, 1 / trained, count + 1).slice(0, -1), shift);
      return { sigmas: withEnd(sigmas, sigmas.at(-1)!), timesteps: sigmas.map((sigma) => sigma * trained) };
    }
    const timesteps = multistepTimesteps(count, trained, this.config);
    return {
      timesteps,
      sigmas: withEnd(
        timesteps.map((t) => this.trained.at(t)),
        this.trained.least,
      ),
    };
  }

  #flowSigmas(plain: readonly number[], shift: number): number[] {
    const { shift_terminal: terminal } = this.config;
    const shifted = shiftSigmas(plain, shift);
    const sigmas = terminal ? stretchToTerminal(shifted, terminal) : shifted;
    return Math.abs(sigmas[0]! - 1) < FLOW_EPSILON ? [sigmas[0]! - FLOW_EPSILON, ...sigmas.slice(1)] : sigmas;
  }

  #predict(modelOutput: Tensor, sample: Tensor, index: number): Tensor {
    const {
      predict_x0: predictX0,
      thresholding,
      dynamic_thresholding_ratio: ratio,
      sample_max_value: max,
    } = this.config;
    if (!predictX0) return this.predictNoise(modelOutput, sample, index);
    const image = this.predictOriginalSample(modelOutput, sample, index);
    return thresholding ? dynamicThreshold(image, ratio, max) : image;
  }

  /** UniP-p: from the place `index` to the next one. */
  #advanceFrom(sample: Tensor, index: number, order: number): Tensor {
    const step = this.#stepFrom(index, order);
    // Of second order, the system has the solution 1/2 up to higher terms, which diffusers takes for it.
    const rhos = order === 2 ? [0.5] : solveLinear(step.powers(order - 1), step.rightSide.slice(0, order - 1));
    return this.#combine(step, sample, rhos);
  }

  /** UniC-p: the step that ended at `index`, with the model's output there. */
  #correct(prediction: Tensor, lastSample: Tensor, index: number, order: number): Tensor {
    const step = this.#stepFrom(index - 1, order);
    const rhos = order === 1 ? [0.5] : solveLinear(step.powers(order), step.rightSide);
    return this.#combine(step, lastSample, rhos, prediction);
  }

  #stepFrom(index: number, order: number): UniPCStep {
    const lambda = this.lambdaAt(index);
    const h = this.lambdaAt(index + 1) - lambda;
    const rks = Array.from({ length: order - 1 }, (_, k) => (this.lambdaAt(index - 1 - k) - lambda) / h);
    const [alphaS, sigmaS] = this.mixture(this.sigmas[index]!);
    const [alpha, sigma] = this.mixture(this.sigmas[index + 1]!);
    if (this.config.predict_x0)
      return new UniPCStep(this.config.solver_type, -h, rks, sigma / sigmaS, alpha * Math.expm1(-h), alpha);
    // σ (e^h - 1), which has a limit where σ is 0.
    const noiseWeight = sigma === 0 ? (alpha * sigmaS) / alphaS : sigma * Math.expm1(h);
    return new UniPCStep(this.config.solver_type, h, rks, alpha / alphaS, noiseWeight, sigma);
  }

  #combine(
    { sampleWeight, predictionWeight, differenceWeight, rks }: UniPCStep,
    sample: Tensor,
    rhos: readonly number[],
    atEnd?: Tensor,
  ): Tensor {
    const [newest, ...older] = this.#predictions as readonly [Tensor, ...Tensor[]];
    let newestWeight = -predictionWeight;
    const terms: Term[] = [];
    for (const [k, rk] of rks.entries()) {
      const weight = -(differenceWeight * rhos[k]!) / rk;
      terms.push([weight, older[k]!]);
      newestWeight -= weight;
    }
    if (atEnd) {
      const weight = -differenceWeight * rhos.at(-1)!;
      terms.push([weight, atEnd]);
      newestWeight -= weight;
    }
    return weightedSum([sampleWeight, sample], [newestWeight, newest], ...terms);
  }
}

/** The coefficients of one step of the paper's B(h) variant. */
class UniPCStep {
  /** Where the older predictions are, in steps from the start: below 0. */
  readonly rks: readonly number[];
  readonly sampleWeight: number;
  readonly predictionWeight: number;
  readonly differenceWeight: number;
  /** The right side of the conditions on the weights of the differences. */
  readonly rightSide: readonly number[];

  constructor(
    solverType: 'bh1' | 'bh2',
    hh: number,
    rks: readonly number[],
    sampleWeight: number,
    predictionWeight: number,
    scale: number,
  ) {
    const bh = solverType === 'bh1' ? hh : Math.expm1(hh);
    this.rks = rks;
    this.sampleWeight = sampleWeight;
    this.predictionWeight = predictionWeight;
    this.differenceWeight = scale * bh;
    this.rightSide = rightSide(hh, bh, rks.length + 1);
  }

  /** The left side: row i has the powers i of all places, of which the last one, 1, is the end of the step. */
  powers(order: number): number[][] {
    return Array.from({ length: order }, (_, power) => [...this.rks, 1].slice(0, order).map((rk) => rk ** power));
  }
}

/** φ_(i+1)(h) · i! · h / B(h) for i = 1 … order. */
function rightSide(hh: number, bh: number, order: number): number[] {
  let phi = Math.expm1(hh) / hh - 1;
  let factorial = 1;
  return Array.from({ length: order }, (_, i) => {
    const value = (phi * factorial) / bh;
    factorial *= i + 2;
    phi = phi / hh - 1 / factorial;
    return value;
  });
}
