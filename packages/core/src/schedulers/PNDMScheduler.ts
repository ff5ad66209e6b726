import type { Tensor } from 'onnxruntime-common';
import { booleanField, choiceField } from '../fields/Field.js';
import { betaFields, trainedNoise } from './numeric/betaSchedule.js';
import { spacedTimesteps, spacingFields } from './numeric/spacedTimesteps.js';
import { weightedSum } from './numeric/tensors.js';
import { readSchedulerConfig, type SchedulerConfig, type SchedulerConfigInput } from './readSchedulerConfig.js';
import type { SetTimestepsOptions, StepOptions, StepResult } from './Scheduler.js';
import { checkStep } from './solvers/checkStep.js';
import { AlphaScheduler } from './solvers/AlphaScheduler.js';
import { resolveStepCount } from './solvers/resolveStepCount.js';

const FIELDS = {
  ...betaFields,
  ...spacingFields,
  skip_prk_steps: booleanField(false),
  set_alpha_to_one: booleanField(false),
  prediction_type: choiceField('epsilon', ['epsilon', 'v_prediction']),
};

const PNDM_ORDER = 4;

/**
 * Pseudo numerical methods for diffusion models: a linear multistep method (PLMS), by default after three Runge-Kutta steps
 * of four model calls each (PRK). With `skip_prk_steps`, as Stable Diffusion has it, the second timestep comes twice, so that
 * n steps are n + 1 model calls.
 *
 * Source: L. Liu et al., "Pseudo Numerical Methods for Diffusion Models on Manifolds", 2022, eq. 9, 12, 13 and algorithm 2;
 * diffusers `scheduling_pndm.py`.
 */
export class PNDMScheduler extends AlphaScheduler<SchedulerConfig<typeof FIELDS>> {
  protected readonly finalAlphaCumprod = this.config.set_alpha_to_one ? 1 : this.alphasCumprod[0]!;
  #prkTimesteps: readonly number[] = [];

  #counter = 0;
  #curModelOutput: Tensor | undefined;
  #curSample: Tensor | undefined;
  /** The last model outputs, the newest one first. */
  #ets: readonly Tensor[] = [];

  /** @throws `ERR_CONFIG_INVALID` for a field with a value that it cannot have */
  constructor(config: SchedulerConfigInput = {}) {
    const read = readSchedulerConfig('PNDMScheduler', FIELDS, config);
    super(read, trainedNoise(read.config), []);
  }

  setTimesteps(numInferenceSteps: number | undefined, options: SetTimestepsOptions = {}): void {
    const { skip_prk_steps: skipPrkSteps, num_train_timesteps: trained } = this.config;
    const count = resolveStepCount(numInferenceSteps, options, {
      scheduler: 'PNDMScheduler',
      min: skipPrkSteps ? 1 : PNDM_ORDER,
      max: trained,
    });

    const timesteps = spacedTimesteps(count, this.config);
    if (skipPrkSteps) {
      this.#prkTimesteps = [];
      this.begin([...timesteps.slice(0, 2), ...timesteps.slice(1)], count);
    } else {
      const halfStep = Math.floor(Math.floor(trained / count) / 2);
      this.#prkTimesteps = prkTimesteps(timesteps.slice(0, PNDM_ORDER), halfStep);
      this.begin([...this.#prkTimesteps, ...timesteps.slice(PNDM_ORDER - 1)], count);
    }

    this.#counter = 0;
    this.#curModelOutput = undefined;
    this.#curSample = undefined;
    this.#ets = [];
  }

  step(modelOutput: Tensor, timestep: number, sample: Tensor, options: StepOptions = {}): StepResult {
    const numInferenceSteps = this.checkStarted();
    checkStep('PNDMScheduler', modelOutput, sample, options);
    this.alphaProd(timestep); // refuses a timestep that was not trained, before the state changes
    const stepRatio = Math.floor(this.config.num_train_timesteps / numInferenceSteps);
    const prevSample =
      this.#counter < this.#prkTimesteps.length
        ? this.#stepPrk(modelOutput, timestep, sample, stepRatio)
        : this.#stepPlms(modelOutput, timestep, sample, stepRatio);
    this.#counter++;
    return { prevSample };
  }

  /** A quarter of a Runge-Kutta step, eq. 13: the four model outputs count 1/6, 1/3, 1/3 and 1/6. */
  #stepPrk(modelOutput: Tensor, timestep: number, sample: Tensor, stepRatio: number): Tensor {
    const quarter = this.#counter % 4;
    const prevTimestep = timestep - (quarter % 2 === 0 ? Math.floor(stepRatio / 2) : 0);
    const startTimestep = this.#prkTimesteps[this.#counter - quarter]!;
    if (quarter === 0) {
      this.#ets = [modelOutput, ...this.#ets];
      this.#curModelOutput = weightedSum([1 / 6, modelOutput]);
      this.#curSample = sample;
    } else {
      this.#curModelOutput = weightedSum([1, this.#curModelOutput!], [quarter === 3 ? 1 / 6 : 1 / 3, modelOutput]);
    }
    const output = quarter === 3 ? this.#curModelOutput : modelOutput;
    return this.#prevSample(this.#curSample!, startTimestep, prevTimestep, output);
  }

  /** A multistep step, eq. 12, from up to four model outputs. */
  #stepPlms(modelOutput: Tensor, timestep: number, sample: Tensor, stepRatio: number): Tensor {
    if (this.#counter === 1) {
      // The second call of the first step goes over the same interval again, with the mean of both ends.
      const mean = weightedSum([1 / 2, modelOutput], [1 / 2, this.#ets[0]!]);
      const start = this.#curSample!;
      this.#curSample = undefined;
      return this.#prevSample(start, timestep + stepRatio, timestep, mean);
    }
    if (this.#counter === 0) this.#curSample = sample;
    this.#ets = [modelOutput, ...this.#ets].slice(0, PNDM_ORDER);
    return this.#prevSample(sample, timestep, timestep - stepRatio, adamsBashforth(this.#ets));
  }

  /** From x_t to x_(t-δ), eq. 9. */
  #prevSample(sample: Tensor, timestep: number, prevTimestep: number, modelOutput: Tensor): Tensor {
    const alphaProdT = this.alphaProd(timestep);
    const alphaProdTPrev = this.alphaProdPrev(prevTimestep);
    const betaProdT = 1 - alphaProdT;
    const betaProdTPrev = 1 - alphaProdTPrev;

    const epsilon =
      this.config.prediction_type === 'v_prediction'
        ? weightedSum([Math.sqrt(alphaProdT), modelOutput], [Math.sqrt(betaProdT), sample])
        : modelOutput;

    const sampleCoeff = Math.sqrt(alphaProdTPrev / alphaProdT);
    const denominator = alphaProdT * Math.sqrt(betaProdTPrev) + Math.sqrt(alphaProdT * betaProdT * alphaProdTPrev);
    return weightedSum([sampleCoeff, sample], [-(alphaProdTPrev - alphaProdT) / denominator, epsilon]);
  }
}

/** Each of the three steps: its start, twice its middle, its end. */
function prkTimesteps(starts: readonly number[], halfStep: number): number[] {
  return starts.slice(0, -1).flatMap((start, i) => {
    const end = starts[i + 1]!;
    return [start, end + halfStep, end + halfStep, end];
  });
}

/** The linear multistep combination of the last one to four model outputs, the newest one first. */
function adamsBashforth(ets: readonly Tensor[]): Tensor {
  const [e1, e2, e3, e4] = ets;
  if (!e2) return e1!;
  if (!e3) return weightedSum([3 / 2, e1!], [-1 / 2, e2]);
  if (!e4) return weightedSum([23 / 12, e1!], [-16 / 12, e2], [5 / 12, e3]);
  return weightedSum([55 / 24, e1!], [-59 / 24, e2], [37 / 24, e3], [-9 / 24, e4]);
}
