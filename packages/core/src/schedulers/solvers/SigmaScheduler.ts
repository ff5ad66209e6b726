import { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../../errors.js';
import { float32Data } from '../numeric/tensors.js';
import type { ReadSchedulerConfig, SchedulerConfig } from '../readSchedulerConfig.js';
import type { Scheduler, SetTimestepsOptions, StepOptions, StepResult } from '../Scheduler.js';
import { ConfiguredScheduler } from './ConfiguredScheduler.js';
import { placeOf, ScheduleCursor } from './ScheduleCursor.js';

/** A run's timesteps and noise levels, from noise to image. */
export interface SigmaSchedule {
  readonly timesteps: readonly number[];
  /** At least one more than timesteps: the last one is what is left at the end. */
  readonly sigmas: readonly number[];
}

/**
 * A scheduler that works with noise levels, σ: one for each timestep of a run, and one for the end. A step is known by its place in
 * them.
 */
export abstract class SigmaScheduler<C extends SchedulerConfig> extends ConfiguredScheduler<C> implements Scheduler {
  readonly order: number = 1;
  abstract readonly initNoiseSigma: number;
  readonly #cursor = new ScheduleCursor();
  #schedule: SigmaSchedule;
  #started = false;

  /** @param whole the schedule of all training timesteps: what there is before {@link Scheduler.setTimesteps} */
  protected constructor(read: ReadSchedulerConfig<C>, whole: SigmaSchedule) {
    super(read);
    this.#schedule = whole;
  }

  get timesteps(): readonly number[] {
    return this.#schedule.timesteps;
  }

  get sigmas(): readonly number[] {
    return this.#schedule.sigmas;
  }

  /** {@inheritDoc Scheduler.setBeginIndex} */
  setBeginIndex(index: number): void {
    this.#cursor.beginAt(index);
  }

  abstract setTimesteps(numInferenceSteps: number | undefined, options?: SetTimestepsOptions): void;

  abstract scaleModelInput(sample: Tensor, timestep: number): Tensor;

  abstract step(modelOutput: Tensor, timestep: number, sample: Tensor, options?: StepOptions): StepResult;

  addNoise(original: Tensor, noise: Tensor, timesteps: readonly number[]): Tensor {
    const batch = original.dims[0] ?? 1;
    if (timesteps.length !== 1 && timesteps.length !== batch) {
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'timesteps',
        value: timesteps,
        expected: `${batch} of them, one for each sample, or one`,
      });
    }
    const [image, grain] = [float32Data(original), float32Data(noise, original.dims)];
    const noisy = new Float32Array(image.length);
    const size = image.length / batch;
    for (let n = 0; n < batch; n++) {
      const [imageWeight, noiseWeight] = this.mixture(
        this.sigmas[placeOf(this.timesteps, timesteps[n % timesteps.length]!)]!,
      );
      for (let i = n * size; i < (n + 1) * size; i++) noisy[i] = imageWeight * image[i]! + noiseWeight * grain[i]!;
    }
    return new Tensor('float32', noisy, original.dims);
  }

  /** What image and noise are multiplied by in latents of the noise level `sigma`. */
  protected abstract mixture(sigma: number): readonly [image: number, noise: number];

  /** Starts a run along `schedule`; noise levels are rounded to float32, as diffusers'. */
  protected begin({ timesteps, sigmas }: SigmaSchedule): void {
    this.#schedule = { timesteps, sigmas: sigmas.map(Math.fround) };
    this.#cursor.reset();
    this.#started = true;
  }

  /**
   * The place of the step at `timestep` in the run.
   *
   * @throws `ERR_SCHEDULER_NOT_STARTED` before `setTimesteps`; `ERR_ARGUMENT_INVALID` if it is not the next one
   */
  protected stepIndex(timestep: number): number {
    if (!this.#started) throw new ThimbleError('ERR_SCHEDULER_NOT_STARTED', { scheduler: this.config._class_name });
    return this.#cursor.at(this.timesteps, timestep);
  }

  /** The step at {@link SigmaScheduler.stepIndex} is done. */
  protected advance(): void {
    this.#cursor.advance();
  }
}
