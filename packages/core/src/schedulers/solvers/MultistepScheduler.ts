import type { Tensor } from 'onnxruntime-common';
import { booleanField, choiceField, type ConfigValues, integerField, numberField } from '../../fields/Field.js';
import { addNoise } from '../numeric/addNoise.js';
import { betaFields } from '../numeric/betaSchedule.js';
import { thresholdFields } from '../numeric/clipOriginalSample.js';
import type { PredictionType } from '../numeric/predictOriginalSample.js';
import { shiftSigmas } from '../numeric/shiftSigmas.js';
import { sigmaFields } from '../numeric/sigmaConversion.js';
import { sigmaSpacingFields } from '../numeric/spacedTimesteps.js';
import { linspace } from '../numeric/numpy.js';
import { mapTensor, weightedSum } from '../numeric/tensors.js';
import type { ReadSchedulerConfig, SchedulerConfig } from '../readSchedulerConfig.js';
import type { Scheduler, SetTimestepsOptions, StepOptions, StepResult } from '../Scheduler.js';
import { ConfiguredScheduler } from './ConfiguredScheduler.js';
import { SigmaRun, type SigmaSchedule } from './SigmaRun.js';
import { TrainedSigmas } from './TrainedSigmas.js';

/** The config fields that all of them have. */
export const multistepFields = {
  ...betaFields,
  ...sigmaSpacingFields,
  ...sigmaFields,
  ...thresholdFields,
  solver_order: integerField(2, 1, 3),
  prediction_type: choiceField<PredictionType | 'flow_prediction'>('epsilon', [
    'epsilon',
    'sample',
    'v_prediction',
    'flow_prediction',
  ]),
  lower_order_final: booleanField(true),
  use_flow_sigmas: booleanField(false),
  flow_shift: numberField(1),
  use_dynamic_shifting: booleanField(false),
};

/** The config fields that say where the noise levels begin and end, of those that can choose. */
export const rangeFields = {
  final_sigmas_type: choiceField('zero', ['zero', 'sigma_min']),
  rescale_betas_zero_snr: booleanField(false),
};

type MultistepConfig = SchedulerConfig &
  ConfigValues<typeof multistepFields> & { readonly rescale_betas_zero_snr?: boolean };

/**
 * The multistep solvers DPM-Solver++, UniPC and DEIS: they integrate the image or the noise that the model predicts over λ = log(α / σ), by its last
 * values. Latents are α times the image plus σ times unit noise: α² + σ² = 1, or α + σ = 1 with flow matching (`use_flow_sigmas`).
 */
export abstract class MultistepScheduler<C extends MultistepConfig>
  extends ConfiguredScheduler<C>
  implements Scheduler
{
  /** β of each training timestep. */
  readonly betas: Float32Array;
  /** ᾱ of each training timestep. */
  readonly alphasCumprod: Float32Array;
  readonly initNoiseSigma = 1;
  readonly order = 1;
  protected readonly trained: TrainedSigmas;
  protected readonly run: SigmaRun;

  protected constructor(read: ReadSchedulerConfig<C>) {
    super(read);
    this.trained = new TrainedSigmas(this.config);
    this.run = new SigmaRun(this.config._class_name, this.trained.schedule);
    this.betas = this.trained.betas;
    this.alphasCumprod = this.trained.alphasCumprod;
  }

  get timesteps(): readonly number[] {
    return this.run.timesteps;
  }

  get sigmas(): readonly number[] {
    return this.run.sigmas;
  }

  /** {@inheritDoc Scheduler.setBeginIndex} */
  setBeginIndex(index: number): void {
    this.run.beginAt(index);
  }

  abstract setTimesteps(numInferenceSteps: number | undefined, options?: SetTimestepsOptions): void;

  abstract step(modelOutput: Tensor, timestep: number, sample: Tensor, options?: StepOptions): StepResult;

  scaleModelInput(sample: Tensor): Tensor {
    return sample;
  }

  addNoise(original: Tensor, noise: Tensor, timesteps: readonly number[]): Tensor {
    return addNoise(original, noise, timesteps, (timestep) => this.mixture(this.run.sigmaAt(timestep)));
  }

  /** α and σ of a noise level, which is σ / α, or σ itself with flow matching. */
  protected mixture(sigma: number): readonly [alpha: number, sigma: number] {
    if (this.config.use_flow_sigmas) return [1 - sigma, sigma];
    const alpha = 1 / Math.sqrt(sigma ** 2 + 1);
    return [alpha, sigma * alpha];
  }

  /** λ of the noise level at a place of the run: infinite where there is no noise. */
  protected lambdaAt(index: number): number {
    const [alpha, sigma] = this.mixture(this.sigmas[index]!);
    return Math.log(alpha) - Math.log(sigma);
  }

  /** The image that the model sees in `sample`, at a place of the run. */
  protected predictOriginalSample(modelOutput: Tensor, sample: Tensor, index: number): Tensor {
    const [alpha, sigma] = this.mixture(this.sigmas[index]!);
    switch (this.config.prediction_type) {
      case 'epsilon':
        return imageOf(modelOutput, sample, alpha, sigma);
      case 'sample':
        return modelOutput;
      case 'v_prediction':
        return weightedSum([alpha, sample], [-sigma, modelOutput]);
      case 'flow_prediction':
        return weightedSum([1, sample], [-this.sigmas[index]!, modelOutput]);
    }
  }

  /** The noise that the model sees in `sample`, at a place of the run. */
  protected predictNoise(modelOutput: Tensor, sample: Tensor, index: number): Tensor {
    const [alpha, sigma] = this.mixture(this.sigmas[index]!);
    switch (this.config.prediction_type) {
      case 'sample':
        return noiseOf(modelOutput, sample, alpha, sigma);
      case 'v_prediction':
        return weightedSum([alpha, modelOutput], [sigma, sample]);
      default:
        return modelOutput;
    }
  }
}

/** The noise levels of flow matching, without the one at the end, for solvers that begin where a little of the image is left. */
export function flowSchedule(count: number, trained: number, shift: number): SigmaSchedule {
  const plain = linspace(1, 1 / trained, count + 1).map((alpha) => 1 - alpha);
  const sigmas = shiftSigmas(plain, shift).reverse().slice(0, -1);
  return { sigmas, timesteps: sigmas.map((sigma) => sigma * trained) };
}

/** The image in `sample` if the noise in it is `noise`. */
export function imageOf(noise: Tensor, sample: Tensor, alpha: number, sigma: number): Tensor {
  return mapTensor(weightedSum([1, sample], [-sigma, noise]), (x) => x / alpha);
}

/** The noise in `sample` if the image in it is `image`. */
export function noiseOf(image: Tensor, sample: Tensor, alpha: number, sigma: number): Tensor {
  return mapTensor(weightedSum([1, sample], [-alpha, image]), (x) => x / sigma);
}
