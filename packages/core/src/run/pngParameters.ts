import { basename } from 'node:path';
import type { Device } from '../device/Device.js';
import { VERSION } from '../version.js';
import type { Convolution } from '../graph/passes/winograd/chooseConvolution.js';
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
  /** These are told of where they are not what they are by default. */
  readonly clipSkip?: number | undefined;
  readonly eta?: number | undefined;
  readonly guidanceRescale?: number | undefined;
  readonly timesteps?: readonly number[] | undefined;
  readonly sigmas?: readonly number[] | undefined;
}

/** The pipeline that made an image. */
export interface RunSource {
  readonly scheduler: Scheduler;
  /** The checkpoint's. */
  readonly folder: string;
  /** How convolutions were computed, where there is a choice: on the CPU. */
  readonly convolution?: Convolution | undefined;
}

/** What made a run's pictures, as they tell of it. */
export function runSource(
  { folder, device, convolution }: { folder: string; device: Pick<Device, 'provider'>; convolution: Convolution },
  scheduler: Scheduler,
): RunSource {
  return { scheduler, folder, convolution: device.provider === 'cpu' ? convolution : undefined };
}

/** What is written into an image of a run: prompt and settings under `parameters`, in the form that other tools read. */
export function pngParameters(
  { scheduler, folder, convolution }: RunSource,
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
    ...ownSettings(settings),
    ...(convolution === undefined ? [] : [`Convolution: ${convolution}`]),
    `Model: ${quoted(modelName(folder))}`,
    `Version: thimble ${VERSION}`,
  ];
  return {
    parameters: [prompts[at] ?? '', ...(negative ? [`Negative prompt: ${negative}`] : []), lines.join(', ')].join('\n'),
  };
}

function ownSettings({ clipSkip, eta, guidanceRescale, timesteps, sigmas }: ImageSettings): string[] {
  return [
    ...(clipSkip ? [`Clip skip: ${clipSkip + 1}`] : []),
    ...(eta ? [`Eta: ${eta}`] : []),
    ...(guidanceRescale ? [`CFG Rescale: ${guidanceRescale}`] : []),
    ...(timesteps ? [`Timesteps: ${quoted(timesteps.join(', '))}`] : []),
    ...(sigmas ? [`Sigmas: ${quoted(sigmas.join(', '))}`] : []),
  ];
}

/** A model of the hub's cache lies in a folder named after its commit: it is called by its id. */
function modelName(folder: string): string {
  const [, owner, name] = /models--([^/\\]+?)--([^/\\]+)[/\\]snapshots[/\\][^/\\]+[/\\]?$/.exec(folder) ?? [];
  return owner === undefined ? basename(folder) : `${owner}/${name}`;
}

/** As other tools read a value with a comma, a colon or a line break. */
function quoted(value: string): string {
  return /[,:\n]/.test(value) ? JSON.stringify(value) : value;
}

/** How noise levels are spaced, where it is not as trained, and which timesteps are visited. */
function scheduleTypes(config: Readonly<Record<string, unknown>>): string[] {
  const { timestep_spacing: spacing } = config;
  const types = ['Karras', 'Exponential', 'Beta']
    .filter((name) => config[`use_${name.toLowerCase()}_sigmas`] === true)
    .map((name) => `Schedule type: ${name}`);
  return typeof spacing === 'string' ? [...types, `Timestep spacing: ${spacing}`] : types;
}
