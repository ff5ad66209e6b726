import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import { booleanField, choiceField, integerField, numberField } from '../fields/Field.js';
import { betaFields, betaScheduleField, stableDiffusionBetaFields, trainedNoise } from './numeric/betaSchedule.js';
import { clipFields, clipOriginalSample, thresholdFields } from './numeric/clipOriginalSample.js';
import { PREDICTION_TYPES, predictOriginalSample } from './numeric/predictOriginalSample.js';
import { spacingFields } from './numeric/spacedTimesteps.js';
import { weightedSum } from './numeric/tensors.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import type { SetTimestepsOptions, StepOptions, StepResult } from './Scheduler.js';
import { checkStep } from './solvers/checkStep.js';
import { AlphaScheduler } from './solvers/AlphaScheduler.js';
import { checkSetTimestepsOptions, resolveStepCount } from './solvers/resolveStepCount.js';
import { ScheduleCursor } from './solvers/ScheduleCursor.js';
import { stepNoise } from './solvers/stepNoise.js';

const FIELDS = {
  ...betaFields,
  ...spacingFields,
  ...clipFields,
  ...thresholdFields,
  ...stableDiffusionBetaFields,
  beta_schedule: betaScheduleField('scaled_linear'),
  original_inference_steps: integerField(50, 1),
  clip_sample: booleanField(false),
  set_alpha_to_one: booleanField(true),
  prediction_type: choiceField('epsilon', PREDICTION_TYPES),
  timestep_scaling: numberField(10),
  rescale_betas_zero_snr: booleanField(false),
};

/** The deviation of the data that the boundary condition reckons with. */
const SIGMA_DATA = 0.5;

/**
 * Latent consistency models: the model jumps to the image, and noise is added again for the next timestep; none after the last one. For
 * models that were distilled for it, in 1 to 8 steps. Its timesteps are a choice of the `original_inference_steps` that it was distilled
 * with, so `timestep_spacing` and `steps_offset` are not looked at.
 *
 * Source: S. Luo et al., "Latent Consistency Models", 2023, algorithm 3; diffusers `scheduling_lcm.py`.
 */
export class LCMScheduler extends AlphaScheduler<SchedulerConfig<typeof FIELDS>> {
  protected readonly finalAlphaCumprod = this.config.set_alpha_to_one ? 1 : this.alphasCumprod[0]!;
  readonly #cursor = new ScheduleCursor();

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    const read = readSchedulerConfig('LCMScheduler', FIELDS, config);
    super(read, trainedNoise(read.config));
  }

  /** {@inheritDoc Scheduler.setBeginIndex} */
  setBeginIndex(index: number): void {
    this.#cursor.beginAt(index);
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    checkSetTimestepsOptions('LCMScheduler', options);
    const { originalInferenceSteps = this.config.original_inference_steps, strength = 1, ...others } = options;
    const { num_train_timesteps: trained } = this.config;
    checkOriginalSteps(originalInferenceSteps, strength, trained);
    const originTimesteps = distilledTimesteps(
      Math.floor(originalInferenceSteps * strength),
      Math.floor(trained / originalInferenceSteps),
    );

    const max = options.timesteps === undefined ? originTimesteps.length : trained;
    const count = resolveStepCount(numInferenceSteps, others, {
      scheduler: 'LCMScheduler',
      takes: ['timesteps'],
      max,
      maxIs: 'the original_inference_steps that the model was distilled with',
    });
    const timesteps =
      options.timesteps === undefined
        ? Array.from({ length: count }, (_, i) => originTimesteps[Math.floor((i * originTimesteps.length) / count)]!)
        : options.timesteps.slice(count - Math.min(Math.floor(count * strength), count));
    this.begin(timesteps, count);
    this.#cursor.reset();
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): Required<StepResult> {
    this.checkStarted();
    checkStep('LCMScheduler', modelOutput, sample, options);
    const index = this.#cursor.at(this.timesteps, timestep);

    // 1. how much is left of the image, and how much is noise, now and after the step
    const prevTimestep = this.timesteps[index + 1] ?? timestep;
    const alphaProdT = this.alphaProd(timestep);
    const alphaProdTPrev = this.alphaProdPrev(prevTimestep);

    // 2. the image that the model sees, clipped
    const predicted = predictOriginalSample(this.config.prediction_type, modelOutput, sample, alphaProdT);
    const predOriginalSample = clipOriginalSample(predicted, this.config);

    // 3. the boundary condition: at t = 0 the sample is the image
    const scaledTimestep = timestep * this.config.timestep_scaling;
    const cSkip = SIGMA_DATA ** 2 / (scaledTimestep ** 2 + SIGMA_DATA ** 2);
    const cOut = scaledTimestep / Math.sqrt(scaledTimestep ** 2 + SIGMA_DATA ** 2);
    const denoised = weightedSum([cOut, predOriginalSample], [cSkip, sample]);

    // 4. new noise, but for the last step
    const isLast = index === this.timesteps.length - 1;
    const prevSample = isLast
      ? denoised
      : weightedSum(
          [Math.sqrt(alphaProdTPrev), denoised],
          [
            Math.sqrt(1 - alphaProdTPrev),
            stepNoise('LCMScheduler', 'every step but the last adds some', modelOutput.dims, options),
          ],
        );
    this.#cursor.advance();
    return { prevSample, predOriginalSample, denoised };
  }
}

/** `count` timesteps, `stride` apart, from noise to image: those that the model was distilled for. */
function distilledTimesteps(count: number, stride: number): number[] {
  return Array.from({ length: count }, (_, i) => (count - i) * stride - 1);
}

function checkOriginalSteps(steps: number, strength: number, trained: number): void {
  if (!Number.isInteger(steps) || steps < 1 || steps > trained) {
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'originalInferenceSteps',
      value: steps,
      expected: `an integer from 1 to ${trained}, the scheduler's num_train_timesteps`,
    });
  }
  if (typeof strength !== 'number' || !(strength > 0 && strength <= 1))
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'strength',
      value: strength,
      expected: 'a number above 0, at most 1',
    });
}
