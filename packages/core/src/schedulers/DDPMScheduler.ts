import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import { booleanField, choiceField, nullable } from '../fields/Field.js';
import { betaFields, betaScheduleField, trainedNoise } from './numeric/betaSchedule.js';
import { clipFields, clipOriginalSample, thresholdFields } from './numeric/clipOriginalSample.js';
import { PREDICTION_TYPES, predictOriginalSample } from './numeric/predictOriginalSample.js';
import { spacedTimesteps, spacingFields } from './numeric/spacedTimesteps.js';
import { combine, weightedSum } from './numeric/tensors.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import type { SetTimestepsOptions, StepOptions, PredictedStep } from './Scheduler.js';
import { checkStepOptions } from './solvers/checkStep.js';
import { AlphaScheduler } from './solvers/AlphaScheduler.js';
import { resolveStepCount } from './solvers/resolveStepCount.js';
import { splitLearnedVariance, VARIANCE_TYPES } from './solvers/splitLearnedVariance.js';
import { stepNoise } from './solvers/stepNoise.js';

const FIELDS = {
  ...betaFields,
  ...spacingFields,
  ...clipFields,
  ...thresholdFields,
  beta_schedule: betaScheduleField('linear', ['laplace', 'sigmoid']),
  variance_type: nullable(choiceField('fixed_small', VARIANCE_TYPES), 'fixed_small'),
  prediction_type: choiceField('epsilon', PREDICTION_TYPES),
  rescale_betas_zero_snr: booleanField(false),
};

/**
 * Denoising diffusion probabilistic models: ancestral sampling. Noise is drawn at every step but the one at t = 0.
 *
 * With the `learned` variances, the model's output has twice the channels of the sample: the prediction, then the variance.
 *
 * Source: J. Ho et al., "Denoising Diffusion Probabilistic Models", 2020, eq. 6, 7 and algorithm 2; A. Nichol, P. Dhariwal, "Improved
 * Denoising Diffusion Probabilistic Models", 2021, eq. 15; diffusers `scheduling_ddpm.py`.
 */
export class DDPMScheduler extends AlphaScheduler<SchedulerConfig<typeof FIELDS>> {
  protected readonly finalAlphaCumprod = 1;

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    const read = readSchedulerConfig('DDPMScheduler', FIELDS, config);
    super(read, trainedNoise(read.config));
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const { num_train_timesteps: max } = this.config;
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: 'DDPMScheduler',
      takes: ['timesteps'],
      max,
    });
    this.begin(options.timesteps?.slice() ?? spacedTimesteps(count, this.config), count);
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): PredictedStep {
    this.checkStarted();
    checkStepOptions('DDPMScheduler', options);
    const { prediction, variance: predictedVariance } = splitLearnedVariance(
      modelOutput,
      sample,
      this.config.variance_type,
    );

    // 1. how much is left of the image, and how much is noise, now and after the step
    const prevTimestep = this.#previousTimestep(timestep);
    const alphaProdT = this.alphaProd(timestep);
    const alphaProdTPrev = this.alphaProdPrev(prevTimestep);
    const betaProdT = 1 - alphaProdT;
    const betaProdTPrev = 1 - alphaProdTPrev;
    const currentAlphaT = alphaProdT / alphaProdTPrev;
    const currentBetaT = 1 - currentAlphaT;

    // 2. the image that the model sees, clipped
    const predicted = predictOriginalSample(this.config.prediction_type, prediction, sample, alphaProdT);
    const predOriginalSample = clipOriginalSample(predicted, this.config);

    // 3. the mean of x_t-1, eq. 7
    const originalWeight = (Math.sqrt(alphaProdTPrev) * currentBetaT) / betaProdT;
    const sampleWeight = (Math.sqrt(currentAlphaT) * betaProdTPrev) / betaProdT;
    const mean = weightedSum([originalWeight, predOriginalSample], [sampleWeight, sample]);
    if (timestep === 0) return { prevSample: mean, predOriginalSample };

    // 4. new noise
    const noise = stepNoise('DDPMScheduler', 'every timestep above 0 adds some', sample.dims, options);
    const variance = Math.max((betaProdTPrev / betaProdT) * currentBetaT, 1e-20);
    return {
      prevSample: this.#addVariance(mean, noise, variance, currentBetaT, predictedVariance),
      predOriginalSample,
    };
  }

  /** The next one of the run's timesteps, or -1 after the last one. */
  #previousTimestep(timestep: number): number {
    const index = this.timesteps.indexOf(timestep);
    if (index >= 0) return this.timesteps[index + 1] ?? -1;
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'timestep',
      value: timestep,
      expected: "one of the scheduler's timesteps",
    });
  }

  /** The `_log` types mean the same variances; diffusers' own `fixed_large_log` takes the root of a logarithm, which is NaN. */
  #addVariance(
    mean: Tensor,
    noise: Tensor,
    variance: number,
    currentBetaT: number,
    predicted: Tensor | undefined,
  ): Tensor {
    switch (this.config.variance_type) {
      case null:
      case 'fixed_small':
      case 'fixed_small_log':
        return weightedSum([1, mean], [Math.sqrt(variance), noise]);
      case 'fixed_large':
      case 'fixed_large_log':
        return weightedSum([1, mean], [Math.sqrt(currentBetaT), noise]);
      case 'learned':
        return combine([mean, noise, predicted!], ([m, n, v]) => m + Math.sqrt(v) * n);
      case 'learned_range': {
        const [low, high] = [Math.log(variance), Math.log(currentBetaT)];
        return combine(
          [mean, noise, predicted!],
          ([m, n, v]) => m + Math.exp(((high * (v + 1)) / 2 + (low * (1 - v)) / 2) / 2) * n,
        );
      }
    }
  }
}
