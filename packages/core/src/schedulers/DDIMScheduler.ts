import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import { addNoiseByAlpha } from './addNoiseByAlpha.js';
import { alphasCumprod } from './alphasCumprod.js';
import { atTimestep } from './atTimestep.js';
import { betaFields, betaSchedule } from './betaSchedule.js';
import { checkStepCount } from './checkStepCount.js';
import { checkStepTensors } from './checkStepTensors.js';
import { booleanField, choiceField, numberField } from './ConfigField.js';
import { clamp } from './math/clamp.js';
import { dynamicThreshold } from './math/dynamicThreshold.js';
import { mapTensor } from './math/mapTensor.js';
import { weightedSum } from './math/weightedSum.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import { refuseOptions } from './refuseOptions.js';
import { rescaleZeroTerminalSnr } from './rescaleZeroTerminalSnr.js';
import type { Scheduler, SetTimestepsOptions, StepOptions, StepResult } from './Scheduler.js';
import { spacedTimesteps, spacingFields } from './spacedTimesteps.js';

const FIELDS = {
  ...betaFields,
  ...spacingFields,
  clip_sample: booleanField(true),
  clip_sample_range: numberField(1),
  set_alpha_to_one: booleanField(true),
  prediction_type: choiceField('epsilon', ['epsilon', 'sample', 'v_prediction']),
  thresholding: booleanField(false),
  dynamic_thresholding_ratio: numberField(0.995),
  sample_max_value: numberField(1),
  rescale_betas_zero_snr: booleanField(false),
};

/**
 * Denoising diffusion implicit models: deterministic with η = 0, the default; noise is drawn at every step, the last one
 * included, with η > 0.
 *
 * Source: J. Song et al., "Denoising Diffusion Implicit Models", 2020, eq. 12 and 16; diffusers `scheduling_ddim.py`.
 */
export class DDIMScheduler implements Scheduler {
  readonly config: SchedulerConfig<typeof FIELDS>;
  readonly ignoredConfig: readonly string[];
  /** β of each training timestep. */
  readonly betas: Float32Array;
  /** ᾱ of each training timestep. */
  readonly alphasCumprod: Float32Array;
  readonly initNoiseSigma = 1;
  readonly order = 1;
  readonly #finalAlphaCumprod: number;
  #timesteps: readonly number[];
  #numInferenceSteps: number | undefined;

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    const read = readSchedulerConfig('DDIMScheduler', FIELDS, config);
    this.config = read.config;
    this.ignoredConfig = read.ignored;

    const betas = betaSchedule(this.config);
    this.betas = this.config.rescale_betas_zero_snr ? rescaleZeroTerminalSnr(betas) : betas;
    this.alphasCumprod = alphasCumprod(this.betas);
    this.#finalAlphaCumprod = this.config.set_alpha_to_one ? 1 : this.alphasCumprod[0]!;
    this.#timesteps = Array.from({ length: this.config.num_train_timesteps }, (_, i) => i).reverse();
  }

  /** {@inheritDoc SchedulerClass.fromConfig} */
  static fromConfig(config: SchedulerConfigInput, overrides: SchedulerConfigInput = {}): DDIMScheduler {
    return new DDIMScheduler({ ...config, ...overrides });
  }

  get timesteps(): readonly number[] {
    return this.#timesteps;
  }

  setTimesteps(numInferenceSteps: number, options: SetTimestepsOptions = {}): void {
    refuseOptions('DDIMScheduler', options, ['timesteps', 'sigmas', 'mu']);
    checkStepCount(numInferenceSteps, 1, this.config.num_train_timesteps);
    this.#numInferenceSteps = numInferenceSteps;
    this.#timesteps = spacedTimesteps(numInferenceSteps, this.config);
  }

  scaleModelInput(sample: Tensor): Tensor {
    return sample;
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): Required<StepResult> {
    if (this.#numInferenceSteps === undefined) throw new ThimbleError('ERR_SCHEDULER_NOT_STARTED', { scheduler: 'DDIMScheduler' });
    checkStepTensors(modelOutput, sample);
    const { eta = 0 } = options;

    // 1. the step before, which in time is the next one
    const prevTimestep = timestep - Math.floor(this.config.num_train_timesteps / this.#numInferenceSteps);

    // 2. how much is left of the image, and how much is noise
    const alphaProdT = atTimestep(this.alphasCumprod, timestep);
    const alphaProdTPrev = prevTimestep >= 0 ? atTimestep(this.alphasCumprod, prevTimestep) : this.#finalAlphaCumprod;
    const betaProdT = 1 - alphaProdT;
    const betaProdTPrev = 1 - alphaProdTPrev;

    // 3. the image and the noise that the model sees
    const predicted = this.#predict(modelOutput, sample, alphaProdT);

    // 4. clip the image
    const predOriginalSample = this.#clip(predicted.originalSample);

    // 5. σ_t(η), eq. 16
    const variance = (betaProdTPrev / betaProdT) * (1 - alphaProdT / alphaProdTPrev);
    const stdDevT = eta * Math.sqrt(variance);

    // 6. the direction to x_t, eq. 12
    const predEpsilon = options.useClippedModelOutput
      ? epsilonOf(predOriginalSample, sample, alphaProdT)
      : predicted.epsilon;
    const directionWeight = Math.sqrt(betaProdTPrev - eta ** 2 * variance);

    // 7. x_t-1, eq. 12
    const withoutNoise = weightedSum([Math.sqrt(alphaProdTPrev), predOriginalSample], [directionWeight, predEpsilon]);
    if (!(eta > 0)) return { prevSample: withoutNoise, predOriginalSample };

    // 8. new noise
    const noise = stepNoise(modelOutput, options);
    return { prevSample: weightedSum([1, withoutNoise], [stdDevT, noise]), predOriginalSample };
  }

  addNoise(original: Tensor, noise: Tensor, timesteps: readonly number[]): Tensor {
    return addNoiseByAlpha(this.alphasCumprod, original, noise, timesteps);
  }

  #predict(modelOutput: Tensor, sample: Tensor, alphaProdT: number): { originalSample: Tensor; epsilon: Tensor } {
    const rootAlpha = Math.sqrt(alphaProdT);
    const rootBeta = Math.sqrt(1 - alphaProdT);
    switch (this.config.prediction_type) {
      case 'epsilon': {
        const scaled = weightedSum([1, sample], [-rootBeta, modelOutput]);
        return { originalSample: mapTensor(scaled, (x) => x / rootAlpha), epsilon: modelOutput };
      }
      case 'sample':
        return { originalSample: modelOutput, epsilon: epsilonOf(modelOutput, sample, alphaProdT) };
      case 'v_prediction':
        return {
          originalSample: weightedSum([rootAlpha, sample], [-rootBeta, modelOutput]),
          epsilon: weightedSum([rootAlpha, modelOutput], [rootBeta, sample]),
        };
    }
  }

  #clip(originalSample: Tensor): Tensor {
    const { thresholding, dynamic_thresholding_ratio: ratio, sample_max_value: maxValue, clip_sample: clip, clip_sample_range: range } = this.config;
    if (thresholding) return dynamicThreshold(originalSample, ratio, maxValue);
    return clip ? mapTensor(originalSample, (x) => clamp(x, -range, range)) : originalSample;
  }
}

/** The noise in `sample` if the image in it is `originalSample`. */
function epsilonOf(originalSample: Tensor, sample: Tensor, alphaProdT: number): Tensor {
  const scaled = weightedSum([1, sample], [-Math.sqrt(alphaProdT), originalSample]);
  const rootBeta = Math.sqrt(1 - alphaProdT);
  return mapTensor(scaled, (x) => x / rootBeta);
}

function stepNoise(modelOutput: Tensor, { generator, varianceNoise }: StepOptions): Tensor {
  if (generator && varianceNoise) {
    throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'varianceNoise', value: '(a tensor)', expected: 'nothing where a generator is given' });
  }
  if (varianceNoise) return varianceNoise;
  if (!generator) throw new ThimbleError('ERR_SCHEDULER_NO_GENERATOR', { scheduler: 'DDIMScheduler', why: 'eta is above 0' });
  return generator.randn(modelOutput.dims);
}
