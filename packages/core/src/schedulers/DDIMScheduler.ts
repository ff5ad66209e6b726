import type { Tensor } from 'onnxruntime-common';
import { booleanField, choiceField } from '../fields/Field.js';
import { betaFields, trainedNoise } from './numeric/betaSchedule.js';
import { clipFields, clipOriginalSample, thresholdFields } from './numeric/clipOriginalSample.js';
import { PREDICTION_TYPES, predictOriginalSample } from './numeric/predictOriginalSample.js';
import { spacedTimesteps, spacingFields } from './numeric/spacedTimesteps.js';
import { mapTensor, weightedSum } from './numeric/tensors.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import type { SetTimestepsOptions, StepOptions, PredictedStep } from './Scheduler.js';
import { checkStep } from './solvers/checkStep.js';
import { AlphaScheduler } from './solvers/AlphaScheduler.js';
import { resolveStepCount } from './solvers/resolveStepCount.js';
import { stepNoise } from './solvers/stepNoise.js';

const FIELDS = {
  ...betaFields,
  ...spacingFields,
  ...clipFields,
  ...thresholdFields,
  set_alpha_to_one: booleanField(true),
  prediction_type: choiceField('epsilon', PREDICTION_TYPES),
  rescale_betas_zero_snr: booleanField(false),
};

/**
 * Denoising diffusion implicit models: deterministic with η = 0, the default; noise is drawn at every step, the last one
 * included, with η > 0.
 *
 * Source: J. Song et al., "Denoising Diffusion Implicit Models", 2020, eq. 12 and 16; diffusers `scheduling_ddim.py`.
 */
export class DDIMScheduler extends AlphaScheduler<SchedulerConfig<typeof FIELDS>> {
  override readonly acceptsEta = true;
  protected readonly finalAlphaCumprod = this.config.set_alpha_to_one ? 1 : this.alphasCumprod[0]!;

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    const read = readSchedulerConfig('DDIMScheduler', FIELDS, config);
    super(read, trainedNoise(read.config));
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: 'DDIMScheduler',
      max: this.config.num_train_timesteps,
    });
    this.begin(spacedTimesteps(count, this.config), count);
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): PredictedStep {
    // 1. the step before, which in time is the next one
    const prevTimestep = timestep - Math.floor(this.config.num_train_timesteps / this.checkStarted());
    checkStep('DDIMScheduler', modelOutput, sample, options);
    const { eta = 0 } = options;

    // 2. how much is left of the image, and how much is noise
    const alphaProdT = this.alphaProd(timestep);
    const alphaProdTPrev = this.alphaProdPrev(prevTimestep);
    const betaProdT = 1 - alphaProdT;
    const betaProdTPrev = 1 - alphaProdTPrev;

    // 3. the image that the model sees, clipped
    const predicted = predictOriginalSample(this.config.prediction_type, modelOutput, sample, alphaProdT);
    const predOriginalSample = clipOriginalSample(predicted, this.config);

    // 4. σ_t(η), eq. 16
    const variance = (betaProdTPrev / betaProdT) * (1 - alphaProdT / alphaProdTPrev);
    const stdDevT = eta * Math.sqrt(variance);

    // 5. the direction to x_t, eq. 12
    const predEpsilon = options.useClippedModelOutput
      ? epsilonOf(predOriginalSample, sample, alphaProdT)
      : this.#epsilon(modelOutput, sample, alphaProdT);
    const directionWeight = Math.sqrt(betaProdTPrev - eta ** 2 * variance);

    // 6. x_t-1, eq. 12
    const withoutNoise = weightedSum([Math.sqrt(alphaProdTPrev), predOriginalSample], [directionWeight, predEpsilon]);
    if (!(eta > 0)) return { prevSample: withoutNoise, predOriginalSample };

    // 7. new noise
    const noise = stepNoise('DDIMScheduler', 'eta is above 0', modelOutput.dims, options);
    return { prevSample: weightedSum([1, withoutNoise], [stdDevT, noise]), predOriginalSample };
  }

  /** The noise that the model sees. */
  #epsilon(modelOutput: Tensor, sample: Tensor, alphaProdT: number): Tensor {
    switch (this.config.prediction_type) {
      case 'epsilon':
        return modelOutput;
      case 'sample':
        return epsilonOf(modelOutput, sample, alphaProdT);
      case 'v_prediction':
        return weightedSum([Math.sqrt(alphaProdT), modelOutput], [Math.sqrt(1 - alphaProdT), sample]);
    }
  }
}

/** The noise in `sample` if the image in it is `originalSample`. */
function epsilonOf(originalSample: Tensor, sample: Tensor, alphaProdT: number): Tensor {
  const scaled = weightedSum([1, sample], [-Math.sqrt(alphaProdT), originalSample]);
  const rootBeta = Math.sqrt(1 - alphaProdT);
  return mapTensor(scaled, (x) => x / rootBeta);
}
