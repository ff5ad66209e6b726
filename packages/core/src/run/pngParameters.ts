import { basename } from 'node:path';
import { VERSION } from '../version.js';
import type { Scheduler } from '../schedulers/Scheduler.js';

/** What a run was asked for, as far as its images tell of it. */
export interface ImageSettings {
  readonly prompts: readonly string[];
  readonly negativePrompts: readonly string[];
  /** Default 1. */
  readonly numImagesPerPrompt?: number;
  readonly numInferenceSteps: number;
  readonly guidanceScale: number | readonly number[];
  readonly width: number;
  readonly height: number;
  /** Images of the run. */
  readonly count: number;
}

/** The pipeline that made an image. */
export interface RunSource {
  readonly scheduler: Scheduler;
  /** The checkpoint's. */
  readonly folder: string;
}

/** What is written into an image of a run: prompt and settings under `parameters`, in the form that other tools read. */
export function pngParameters(
  { scheduler, folder }: RunSource,
  settings: ImageSettings,
  index: number,
  seeds: readonly number[],
): Record<string, string> {
  const {
    prompts,
    negativePrompts,
    numImagesPerPrompt = 1,
    numInferenceSteps,
    guidanceScale,
    width,
    height,
    count,
  } = settings;
  const at = Math.floor(index / numImagesPerPrompt);
  const negative = negativePrompts[at];
  const seed = seeds[index];
  const lines = [
    `Steps: ${numInferenceSteps}`,
    `Sampler: ${scheduler.config._class_name}`,
    ...scheduleTypes(scheduler.config),
    `CFG scale: ${[guidanceScale].flat().join()}`,
    ...(seed === undefined ? [] : [`Seed: ${seed}`]),
    ...(count > 1 && seeds.every((one) => one === seeds[0]) ? [`Batch size: ${count}`, `Batch pos: ${index}`] : []),
    `Size: ${width}x${height}`,
    `Model: ${basename(folder)}`,
    `Version: thimble ${VERSION}`,
  ];
  return {
    parameters: [prompts[at] ?? '', ...(negative ? [`Negative prompt: ${negative}`] : []), lines.join(', ')].join('\n'),
  };
}

/** How noise levels are spaced, where it is not as trained. */
function scheduleTypes(config: Readonly<Record<string, unknown>>): string[] {
  return ['Karras', 'Exponential', 'Beta']
    .filter((name) => config[`use_${name.toLowerCase()}_sigmas`] === true)
    .map((name) => `Schedule type: ${name}`);
}
