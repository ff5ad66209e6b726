import { type Scheduler, type SetTimestepsOptions, type StepResult, Tensor, ThimbleError } from '@thimble/core';
import {
  integerField,
  readSchedulerConfig,
  type SchedulerConfig,
  type SchedulerConfigInput,
} from '@thimble/core/model';

const NAME = 'BlendScheduler';
const FIELDS = { num_train_timesteps: integerField(1000, 1) };

/** Goes in a straight line from noise to the picture that the model predicts: x = (1 − σ) · picture + σ · noise, with σ falling from 1 to 0. */
export class BlendScheduler implements Scheduler {
  readonly config: SchedulerConfig<typeof FIELDS>;
  readonly ignoredConfig: readonly string[];
  readonly initNoiseSigma = 1;
  readonly order = 1;
  #steps = 0;

  /** @throws ERR_CONFIG_INVALID for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    const read = readSchedulerConfig(NAME, FIELDS, config);
    this.config = read.config;
    this.ignoredConfig = read.ignored;
  }

  static fromConfig(config: SchedulerConfigInput, overrides: SchedulerConfigInput = {}): BlendScheduler {
    return new BlendScheduler({ ...config, ...overrides });
  }

  get timesteps(): readonly number[] {
    return this.sigmas.slice(0, -1).map((sigma) => sigma * this.config.num_train_timesteps);
  }

  get sigmas(): readonly number[] {
    return Array.from({ length: this.#steps + 1 }, (_, i) => 1 - i / this.#steps);
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const own = Object.keys(options)[0];
    if (own !== undefined)
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: own,
        value: 'given',
        expected: `nothing: a ${NAME} takes none`,
      });
    this.#steps = numInferenceSteps ?? 10;
  }

  scaleModelInput(sample: Tensor): Tensor {
    return sample;
  }

  step(
    modelOutput: Tensor,
    timestep: number,
    sample: Tensor,
  ): Required<Pick<StepResult, 'prevSample' | 'predOriginalSample'>> {
    if (this.#steps === 0) throw new ThimbleError('ERR_SCHEDULER_NOT_STARTED', { scheduler: NAME });
    const sigma = timestep / this.config.num_train_timesteps;
    const share = Math.max(0, sigma - 1 / this.#steps) / sigma;
    return { prevSample: blend(modelOutput, sample, share), predOriginalSample: modelOutput };
  }

  addNoise(original: Tensor, noise: Tensor, [timestep = 0]: readonly number[]): Tensor {
    return blend(original, noise, timestep / this.config.num_train_timesteps);
  }
}

/** (1 − share) · a + share · b */
function blend(a: Tensor, b: Tensor, share: number): Tensor {
  const [x, y] = [a.data as Float32Array, b.data as Float32Array];
  return new Tensor(
    'float32',
    x.map((value, i) => (1 - share) * value + share * (y[i] as number)),
    a.dims,
  );
}
