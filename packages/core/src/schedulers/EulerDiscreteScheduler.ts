import type { Tensor } from 'onnxruntime-common';
import { booleanField, choiceField, nullable, numberField } from '../fields/Field.js';
import { linspace32 } from './numeric/numpy.js';
import { sigmaConversion, sigmaFields } from './numeric/sigmaConversion.js';
import { spacedTimesteps32 } from './numeric/spacedTimesteps.js';
import { weightedSum } from './numeric/tensors.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import type { SetTimestepsOptions, StepOptions, PredictedStep } from './Scheduler.js';
import { checkStep } from './solvers/checkStep.js';
import { kDiffusionFields, KDiffusionScheduler } from './solvers/KDiffusionScheduler.js';
import { resolveStepCount } from './solvers/resolveStepCount.js';
import type { SigmaSchedule } from './solvers/SigmaRun.js';
import { stepNoise } from './solvers/stepNoise.js';

const FIELDS = {
  ...kDiffusionFields,
  ...sigmaFields,
  prediction_type: choiceField('epsilon', ['epsilon', 'sample', 'original_sample', 'v_prediction']),
  interpolation_type: choiceField('linear', ['linear', 'log_linear']),
  sigma_min: nullable(numberField(0)),
  sigma_max: nullable(numberField(0)),
  timestep_type: choiceField('discrete', ['discrete', 'continuous']),
  rescale_betas_zero_snr: booleanField(false),
  final_sigmas_type: choiceField('zero', ['zero', 'sigma_min']),
};

/**
 * Euler's method. Deterministic; with `sChurn`, noise is added before a step, wherever the noise level is between `sTmin` and `sTmax`.
 *
 * Source: T. Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", 2022, algorithm 2, lines 2 to 8; diffusers
 * `scheduling_euler_discrete.py`.
 */
export class EulerDiscreteScheduler extends KDiffusionScheduler<SchedulerConfig<typeof FIELDS>> {
  readonly #convert = sigmaConversion('EulerDiscreteScheduler', this.config);

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    super(readSchedulerConfig('EulerDiscreteScheduler', FIELDS, config));
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: 'EulerDiscreteScheduler',
      takes: ['timesteps', 'sigmas'],
      max: this.config.num_train_timesteps,
      sigmasWithEnd: true,
      ownSpacing: this.#convert !== undefined || this.#continuous,
    });
    const { timesteps, sigmas } =
      options.sigmas === undefined ? this.#schedule(count, options.timesteps) : this.#ownSigmas(options.sigmas);
    this.run.begin({
      sigmas,
      timesteps: this.#continuous ? sigmas.slice(0, -1).map((sigma) => Math.fround(0.25 * Math.log(sigma))) : timesteps,
    });
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): PredictedStep {
    checkStep('EulerDiscreteScheduler', modelOutput, sample, options);
    const { sChurn = 0, sTmin = 0, sTmax = Infinity, sNoise = 1 } = options;
    const index = this.run.stepIndex(timestep);
    const sigma = this.sigmas[index]!;

    // 1. noise on top, if asked for
    const gamma = sigma >= sTmin && sigma <= sTmax ? Math.min(sChurn / (this.sigmas.length - 1), Math.SQRT2 - 1) : 0;
    const sigmaHat = sigma * (gamma + 1);
    const churned =
      gamma > 0
        ? weightedSum(
            [1, sample],
            [
              sNoise * Math.sqrt(sigmaHat ** 2 - sigma ** 2),
              stepNoise('EulerDiscreteScheduler', 'sChurn is above 0', sample.dims, options),
            ],
          )
        : sample;

    // 2. the image that the model sees; v-prediction goes by σ before the noise, as diffusers has it
    const predOriginalSample = this.predictOriginalSample(
      modelOutput,
      churned,
      this.config.prediction_type === 'v_prediction' ? sigma : sigmaHat,
    );

    // 3. along the derivative (x - image) / σ to the next noise level
    const share = (this.sigmas[index + 1]! - sigmaHat) / sigmaHat;
    this.run.advance();
    return { prevSample: weightedSum([1 + share, churned], [-share, predOriginalSample]), predOriginalSample };
  }

  get #continuous(): boolean {
    return this.config.timestep_type === 'continuous' && this.config.prediction_type === 'v_prediction';
  }

  #schedule(count: number, own: readonly number[] | undefined): SigmaSchedule {
    const {
      interpolation_type: interpolation,
      sigma_min: sigmaMin,
      sigma_max: sigmaMax,
      final_sigmas_type: final,
    } = this.config;
    let timesteps = own?.map(Math.fround) ?? spacedTimesteps32(count, this.config);
    let sigmas = interpolation === 'linear' ? timesteps.map((t) => this.trained.at(t)) : this.#logLinear(count);
    if (this.#convert) {
      sigmas = this.#convert(sigmaMin ?? sigmas.at(-1)!, sigmaMax ?? sigmas[0]!, count);
      timesteps = sigmas.map((sigma) => Math.fround(this.trained.timestepOf(sigma)));
    }
    return { timesteps, sigmas: [...sigmas, final === 'zero' ? 0 : this.trained.least] };
  }

  /** One more than steps: the least trained noise level comes before the end, as in diffusers. */
  #logLinear(count: number): number[] {
    return [...linspace32(Math.log(this.trained.most), Math.log(this.trained.least), count + 1)].map((log) =>
      Math.fround(Math.exp(log)),
    );
  }

  #ownSigmas(own: readonly number[]): SigmaSchedule {
    const sigmas = own.map(Math.fround);
    return { sigmas, timesteps: sigmas.slice(0, -1).map((sigma) => Math.fround(this.trained.timestepOf(sigma))) };
  }
}
