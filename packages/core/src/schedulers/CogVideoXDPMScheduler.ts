import type { Tensor } from 'onnxruntime-common';
import { predictOriginalSample } from './numeric/predictOriginalSample.js';
import { spacedTimesteps } from './numeric/spacedTimesteps.js';
import { weightedSum } from './numeric/tensors.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import type { SetTimestepsOptions, StepOptions, PredictedStep } from './Scheduler.js';
import { checkStep } from './solvers/checkStep.js';
import { AlphaScheduler } from './solvers/AlphaScheduler.js';
import { cogVideoXFields, cogVideoXNoise } from './solvers/cogVideoXNoise.js';
import { resolveStepCount } from './solvers/resolveStepCount.js';
import { stepNoise } from './solvers/stepNoise.js';

/** What a step is remembered by for the next one. */
interface LastStep {
  readonly timestep: number;
  readonly predOriginalSample: Tensor;
}

/**
 * CogVideoX' DPM-Solver++ (2M) with noise: the first and the last step are of first order, the others use the image that the step before
 * predicted. The scheduler remembers that image; `oldPredOriginalSample` and `timestepBack`, which diffusers' pipelines pass, win over it.
 *
 * At a second-order step it draws twice and uses the second draw, as diffusers does, so that seeds give the same video.
 *
 * Source: C. Lu et al., "DPM-Solver++", 2022, algorithm 2 and app. on SDEs; diffusers `scheduling_dpm_cogvideox.py`.
 */
export class CogVideoXDPMScheduler extends AlphaScheduler<SchedulerConfig<typeof cogVideoXFields>> {
  protected readonly finalAlphaCumprod = this.config.set_alpha_to_one ? 1 : this.alphasCumprod[0]!;
  #last: LastStep | undefined;

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    const read = readSchedulerConfig('CogVideoXDPMScheduler', cogVideoXFields, config);
    super(read, cogVideoXNoise(read.config));
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: 'CogVideoXDPMScheduler',
      max: this.config.num_train_timesteps,
    });
    this.begin(spacedTimesteps(count, this.config), count);
    this.#last = undefined;
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): PredictedStep {
    const prevTimestep = timestep - Math.floor(this.config.num_train_timesteps / this.checkStarted());
    checkStep('CogVideoXDPMScheduler', modelOutput, sample, options);
    const { oldPredOriginalSample = this.#last?.predOriginalSample, timestepBack = this.#last?.timestep } = options;

    // 1. how much is left of the image, and how much is noise, now and after the step
    const alphaProdT = this.alphaProd(timestep);
    const alphaProdTPrev = this.alphaProdPrev(prevTimestep);

    // 2. the image that the model sees
    const predOriginalSample = predictOriginalSample(this.config.prediction_type, modelOutput, sample, alphaProdT);

    // 3. the step in the logarithm of the signal-to-noise ratio, and what it multiplies
    const h = lambda(alphaProdTPrev) - lambda(alphaProdT);
    const sampleWeight = Math.sqrt((1 - alphaProdTPrev) / (1 - alphaProdT)) * Math.exp(-h);
    const originalWeight = -Math.expm1(-2 * h) * Math.sqrt(alphaProdTPrev);
    const noiseWeight = Math.sqrt(1 - alphaProdTPrev) * Math.sqrt(1 - Math.exp(-2 * h));
    const draw = (): Tensor => stepNoise('CogVideoXDPMScheduler', 'every step adds some', sample.dims, options);
    let noise = draw();

    // 4. from the second step to the last but one, the image is extrapolated from two predictions
    let denoised = predOriginalSample;
    if (oldPredOriginalSample && timestepBack != null && prevTimestep >= 0) {
      const r = (lambda(alphaProdT) - lambda(this.alphaProd(timestepBack))) / h;
      denoised = weightedSum([1 + 1 / (2 * r), predOriginalSample], [-1 / (2 * r), oldPredOriginalSample]);
      noise = draw();
    }
    this.#last = { timestep, predOriginalSample };
    return {
      prevSample: weightedSum([sampleWeight, sample], [originalWeight, denoised], [noiseWeight, noise]),
      predOriginalSample,
    };
  }
}

/** Half the logarithm of the signal-to-noise ratio; infinite where there is no noise, or nothing else. */
function lambda(alphaProd: number): number {
  return Math.log(Math.sqrt(alphaProd / (1 - alphaProd)));
}
