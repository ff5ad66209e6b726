import { checkMembers } from '../fields/checkMembers.js';
import type { Prompt } from '../run/GenerateOptions.js';
import type { PreparedRun } from '../run/PreparedRun.js';
import type { Scheduler, SetTimestepsOptions } from '../schedulers/Scheduler.js';
import { type DenoisingShare, type DenoisingWindow, denoisingWindow } from './denoisingWindow.js';
import { type NoiseOptions, type NoiseSource, noiseSource } from './noiseSource.js';
import { type PromptOptions, type Prompts, readPrompts } from './readPrompts.js';

/** The options that every pipeline prepares in the same way. */
export interface SamplingOptions extends PromptOptions, NoiseOptions, DenoisingShare {
  /** Undefined where own timesteps or noise levels say how many. */
  readonly numInferenceSteps: number | undefined;
  readonly timesteps: readonly number[] | undefined;
  readonly sigmas?: readonly number[] | undefined;
  /** Default 1. */
  readonly numImagesPerPrompt?: number | undefined;
}

/** A run with checked options, its texts and its source of noise. */
export interface SamplingRun<O = SamplingOptions> extends PreparedRun {
  readonly options: O & Prompts & { readonly numInferenceSteps: number };
  readonly noise: NoiseSource;
  readonly window: DenoisingWindow;
}

/** Checks the texts and seeds of a run, and sets the scheduler's timesteps; `settings` go to those that take them. @throws ERR_ARGUMENT_INVALID */
export function prepareRun<O extends SamplingOptions>(
  scheduler: Scheduler,
  prompt: Prompt,
  options: O,
  settings: Omit<SetTimestepsOptions, 'timesteps'> = {},
): SamplingRun<O> {
  checkMembers('scheduler', scheduler, 'a scheduler', ['setTimesteps', 'step']);
  checkMembers('options', options, 'the options of a run', []);
  const prompts = readPrompts(prompt, options, options.numImagesPerPrompt);
  const noise = noiseSource(options, prompts.count);
  const { timesteps, sigmas } = options;
  const own = {
    ...settings,
    ...(timesteps === undefined ? {} : { timesteps }),
    ...(sigmas === undefined ? {} : { sigmas }),
  };
  scheduler.setTimesteps(options.numInferenceSteps, own);
  const window = denoisingWindow(scheduler, options);
  const numInferenceSteps = options.numInferenceSteps ?? scheduler.timesteps.length;
  const steps = window.endIndex - window.beginIndex;
  return { steps, noise, window, options: { ...options, ...prompts, numInferenceSteps } };
}
