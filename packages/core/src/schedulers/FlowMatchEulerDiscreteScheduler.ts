import type { Tensor } from 'onnxruntime-common';
import { booleanField, choiceField, integerField, nullable, numberField } from '../fields/Field.js';
import { addNoise } from './numeric/addNoise.js';
import { trainTimestepsField } from './numeric/betaSchedule.js';
import { linspace } from './numeric/numpy.js';
import { shiftOf, shiftSigmas, stretchToTerminal } from './numeric/shiftSigmas.js';
import { sigmaConversion, sigmaFields } from './numeric/sigmaConversion.js';
import { weightedSum } from './numeric/tensors.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import type { Scheduler, SetTimestepsOptions, StepOptions, PredictedStep } from './Scheduler.js';
import { checkStep } from './solvers/checkStep.js';
import { ConfiguredScheduler } from './solvers/ConfiguredScheduler.js';
import { resolveStepCount } from './solvers/resolveStepCount.js';
import { SigmaRun, type SigmaSchedule } from './solvers/SigmaRun.js';
import { stepNoise } from './solvers/stepNoise.js';

const FIELDS = {
  ...sigmaFields,
  num_train_timesteps: trainTimestepsField,
  shift: numberField(1),
  use_dynamic_shifting: booleanField(false),
  base_shift: nullable(numberField(0), 0.5),
  max_shift: nullable(numberField(0), 1.15),
  base_image_seq_len: integerField(256),
  max_image_seq_len: integerField(4096),
  invert_sigmas: booleanField(false),
  shift_terminal: nullable(numberField(0)),
  time_shift_type: choiceField('exponential', ['exponential', 'linear']),
  stochastic_sampling: booleanField(false),
};

/**
 * Euler's method for flow matching: latents are (1 - σ) · image + σ · noise, and the model predicts noise - image. Deterministic; with
 * `stochastic_sampling`, each step goes to the image and back up with new noise, the last one included.
 *
 * `base_shift`, `max_shift`, `base_image_seq_len` and `max_image_seq_len` are for pipelines, which compute `mu` from them.
 *
 * Source: Y. Lipman et al., "Flow Matching for Generative Modeling", 2022; P. Esser et al., "Scaling Rectified Flow Transformers", 2024;
 * diffusers `scheduling_flow_match_euler_discrete.py`.
 */
export class FlowMatchEulerDiscreteScheduler
  extends ConfiguredScheduler<SchedulerConfig<typeof FIELDS>>
  implements Scheduler
{
  readonly initNoiseSigma = 1;
  readonly order = 1;
  readonly #run: SigmaRun;
  readonly #convert = sigmaConversion('FlowMatchEulerDiscreteScheduler', this.config);
  /** The least and the largest noise level that were trained. */
  readonly #range: readonly [least: number, most: number];
  #shift: number;

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    const read = readSchedulerConfig('FlowMatchEulerDiscreteScheduler', FIELDS, config);
    const whole = trainedSchedule(read.config);
    super(read);
    this.#run = new SigmaRun('FlowMatchEulerDiscreteScheduler', whole);
    this.#range = [whole.sigmas.at(-2)!, whole.sigmas[0]!];
    this.#shift = this.config.shift;
  }

  get timesteps(): readonly number[] {
    return this.#run.timesteps;
  }

  get sigmas(): readonly number[] {
    return this.#run.sigmas;
  }

  /** The shift of runs to come, where `use_dynamic_shifting` is false. */
  get shift(): number {
    return this.#shift;
  }

  setShift(shift: number): void {
    this.#shift = shift;
  }

  /** {@inheritDoc Scheduler.setBeginIndex} */
  setBeginIndex(index: number): void {
    this.#run.beginAt(index);
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const { num_train_timesteps: trained, invert_sigmas: invert } = this.config;
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: 'FlowMatchEulerDiscreteScheduler',
      takes: ['timesteps', 'sigmas', 'mu'],
      max: trained,
      maxTimestep: trained,
    });
    const sigmas = this.#sigmas(this.#plainSigmas(count, options), shiftOf(options.mu, this.config, this.#shift)).map(
      Math.fround,
    );
    if (invert) {
      const inverted = sigmas.map((sigma) => Math.fround(1 - sigma));
      this.#run.begin({ timesteps: timestepsOf(inverted, trained), sigmas: [...inverted, 1] });
    } else {
      this.#run.begin({
        timesteps: options.timesteps?.map(Math.fround) ?? timestepsOf(sigmas, trained),
        sigmas: [...sigmas, 0],
      });
    }
  }

  scaleModelInput(sample: Tensor): Tensor {
    return sample;
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): PredictedStep {
    checkStep('FlowMatchEulerDiscreteScheduler', modelOutput, sample, options);
    const index = this.#run.stepIndex(timestep);
    const [sigma, sigmaNext] = [this.sigmas[index]!, this.sigmas[index + 1]!];
    const predOriginalSample = weightedSum([1, sample], [-sigma, modelOutput]);
    const prevSample = this.config.stochastic_sampling
      ? weightedSum(
          [1 - sigmaNext, predOriginalSample],
          [
            sigmaNext,
            stepNoise('FlowMatchEulerDiscreteScheduler', 'stochastic_sampling is true', sample.dims, options),
          ],
        )
      : weightedSum([1, sample], [sigmaNext - sigma, modelOutput]);
    this.#run.advance();
    return { prevSample, predOriginalSample };
  }

  addNoise(original: Tensor, noise: Tensor, timesteps: readonly number[]): Tensor {
    return addNoise(original, noise, timesteps, (timestep) => {
      const sigma = this.#run.sigmaAt(timestep);
      return [1 - sigma, sigma];
    });
  }

  /** diffusers' name for {@link Scheduler.addNoise} here, with its order of arguments. */
  scaleNoise(sample: Tensor, timesteps: readonly number[], noise: Tensor): Tensor {
    return this.addNoise(sample, noise, timesteps);
  }

  #plainSigmas(count: number, { timesteps, sigmas }: SetTimestepsOptions): readonly number[] {
    const [least, most] = this.#range;
    const { num_train_timesteps: trained } = this.config;
    if (sigmas !== undefined) return sigmas;
    return (
      timesteps?.map((t) => t / trained) ?? linspace(most * trained, least * trained, count).map((t) => t / trained)
    );
  }

  #sigmas(plain: readonly number[], shift: number): number[] {
    const { shift_terminal: terminal } = this.config;
    const shifted = shiftSigmas(plain, shift);
    const sigmas = terminal ? stretchToTerminal(shifted, terminal) : shifted;
    return this.#convert?.(sigmas.at(-1)!, sigmas[0]!, sigmas.length) ?? sigmas;
  }
}

function trainedSchedule({
  num_train_timesteps: trained,
  use_dynamic_shifting: dynamic,
  shift,
}: {
  readonly num_train_timesteps: number;
  readonly use_dynamic_shifting: boolean;
  readonly shift: number;
}): SigmaSchedule {
  const plain = Array.from({ length: trained }, (_, i) => (trained - i) / trained);
  const sigmas = (dynamic ? plain : shiftSigmas(plain, shift)).map(Math.fround);
  return { timesteps: timestepsOf(sigmas, trained), sigmas: [...sigmas, 0] };
}

function timestepsOf(sigmas: readonly number[], trained: number): number[] {
  return sigmas.map((sigma) => Math.fround(sigma * trained));
}
