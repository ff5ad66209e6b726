import type { Tensor } from 'onnxruntime-common';
import type { Generator } from '../random/Generator.js';
import type { SchedulerConfig, SchedulerConfigInput } from './readSchedulerConfig.js';

/**
 * The solver of a diffusion process: says at which timesteps the model is called, and turns its outputs into the next
 * latents. Holds the state of one run; {@link Scheduler.setTimesteps} starts a new one. Tensors are float32 and are never
 * written to.
 */
export interface Scheduler {
  /** All fields of diffusers' `scheduler_config.json`, defaults filled in. Frozen. */
  readonly config: SchedulerConfig;
  /** Fields of the given config that this scheduler does not have, and that are not off: false, null or empty. They have no effect. */
  readonly ignoredConfig: readonly string[];
  /** The timesteps of the run, one for each call of the model, from noise to image. */
  readonly timesteps: readonly number[];
  /** The noise levels of the run, where the scheduler works with them: at least one more than timesteps. */
  readonly sigmas?: readonly number[];
  /** What unit noise is multiplied by before the first step. */
  readonly initNoiseSigma: number;
  /** How many calls of the model a step of the solver takes, as diffusers' `order`. */
  readonly order: number;
  /** Whether steps take η, as diffusers' `accepts_eta`. Where it says false, a run with an η is warned of it. */
  readonly acceptsEta?: boolean;

  /**
   * Starts a run of `numInferenceSteps` steps; undefined where `timesteps` or `sigmas` say how many.
   *
   * @throws `ERR_ARGUMENT_INVALID` for a number of steps, or an option, that the scheduler cannot work with
   */
  setTimesteps(numInferenceSteps: number | undefined, options?: SetTimestepsOptions): void;

  /** Says that the run starts at `timesteps[index]`, not at the first one, as from an image with noise; after {@link Scheduler.setTimesteps}. */
  setBeginIndex?(index: number): void;

  /** What the model is called with in place of `sample` at `timestep`; `sample` itself where diffusers does nothing. */
  scaleModelInput(sample: Tensor, timestep: number): Tensor;

  /**
   * One step towards the image.
   *
   * @param modelOutput what the model predicted for `sample` at `timestep`, of the shape of `sample`
   * @param timestep the next one of {@link Scheduler.timesteps}; schedulers that count their steps refuse any other
   * @param sample the latents
   * @throws `ERR_SCHEDULER_NOT_STARTED` before {@link Scheduler.setTimesteps}; `ERR_ARGUMENT_INVALID` for an option that no scheduler has; `ERR_TENSOR_DTYPE`,
   * `ERR_TENSOR_SHAPE`
   */
  step(modelOutput: Tensor, timestep: number, sample: Tensor, options?: StepOptions): StepResult;

  /**
   * Mixes an image's latents with noise, as they would be at a timestep.
   *
   * @param original [N, …]
   * @param noise of the shape of `original`
   * @param timesteps one for each sample of the batch, or one for all
   */
  addNoise(original: Tensor, noise: Tensor, timesteps: readonly number[]): Tensor;
}

/** Options of {@link Scheduler.setTimesteps}; a scheduler refuses those that it has no use for. */
export interface SetTimestepsOptions {
  /** Timesteps to use in place of the scheduler's own, falling. */
  readonly timesteps?: readonly number[] | undefined;
  /** Noise levels to use in place of the scheduler's own, falling; Euler's include the last one, 0, so they are one more than steps. */
  readonly sigmas?: readonly number[] | undefined;
  /** The shift of the noise levels that goes with an image's size. */
  readonly mu?: number | undefined;
  /** LCM: how many steps the model was distilled with, in place of the config's. */
  readonly originalInferenceSteps?: number | undefined;
  /** LCM: the share of those steps that is gone through, from 0 to 1, in image to image. */
  readonly strength?: number | undefined;
}

/** Options of {@link Scheduler.step}: diffusers' keyword arguments. A scheduler passes over those that its `step` has not in diffusers. */
export interface StepOptions {
  /** DDIM's η: 0 takes no noise, 1 as much as DDPM. */
  readonly eta?: number | undefined;
  /** DDIM: derive the noise again from the clipped image. */
  readonly useClippedModelOutput?: boolean | undefined;
  /** Where a step that needs noise draws it from. */
  readonly generator?: Generator | undefined;
  /** The noise itself, in place of a `generator`. */
  readonly varianceNoise?: Tensor | undefined;
  /** Euler: noise that is added in every step, spread over all, between the noise levels `sTmin` and `sTmax`. Default 0. */
  readonly sChurn?: number | undefined;
  /** Default 0. */
  readonly sTmin?: number | undefined;
  /** Default infinite. */
  readonly sTmax?: number | undefined;
  /** Euler: what the added noise is multiplied by. Default 1. */
  readonly sNoise?: number | undefined;
  /** LMS: how many of the last derivatives count. Default 4. */
  readonly order?: number | undefined;
  /** CogVideoX' DPM: the image that the step before predicted, and its timestep, in place of what the scheduler remembers. */
  readonly oldPredOriginalSample?: Tensor | null | undefined;
  readonly timestepBack?: number | null | undefined;
}

/** What a step gives. */
export interface StepResult {
  /** The latents for the next step. */
  readonly prevSample: Tensor;
  /** What the latents would be with all noise removed at once, where the scheduler knows: good for previews. */
  readonly predOriginalSample?: Tensor;
  /** LCM: the image after the boundary condition; the last step's is the result. */
  readonly denoised?: Tensor;
}

/** A {@link StepResult} of a scheduler that always knows what the latents would be with all noise removed. */
export interface PredictedStep extends StepResult {
  readonly predOriginalSample: Tensor;
}

/** A class of schedulers: what a new file in this folder exports. */
export interface SchedulerClass {
  new (config?: SchedulerConfigInput): Scheduler;
  /**
   * Makes a scheduler from diffusers' JSON, or from the `config` of another scheduler, whose defaults are then left behind.
   *
   * @param overrides fields that win over those of `config`
   * @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have
   */
  fromConfig(config: SchedulerConfigInput, overrides?: SchedulerConfigInput): Scheduler;
}

/** Whether a value is a scheduler, by what it can do: it may come from a plugin or another copy of the package. */
export function isScheduler(value: unknown): value is Scheduler {
  if (typeof value !== 'object' || value === null) return false;
  return ['setTimesteps', 'scaleModelInput', 'step'].every(
    (name) => typeof (value as Record<string, unknown>)[name] === 'function',
  );
}
