import { basename } from 'node:path';
import type { RunContext } from '../hooks/calls/RunContext.js';
import { VERSION } from '../version.js';
import type { DiffusionPipeline } from './Pipeline.js';
import type { StableDiffusionOptions } from '../pipelines/StableDiffusionOptions.js';

/** What is written into an image of a run: prompt and settings under `parameters`, in the form that other tools read. */
export function pngParameters(
  pipeline: DiffusionPipeline,
  { options }: RunContext,
  index: number,
  seeds: readonly number[],
): Record<string, string> {
  const { prompts, negativePrompts, numImagesPerPrompt, numInferenceSteps, guidanceScale, width, height, count } =
    options as unknown as StableDiffusionOptions;
  const at = Math.floor(index / numImagesPerPrompt);
  const negative = negativePrompts[at];
  const seed = seeds[index];
  const settings = [
    `Steps: ${numInferenceSteps}`,
    `Sampler: ${pipeline.scheduler.config._class_name}`,
    ...scheduleTypes(pipeline.scheduler.config),
    `CFG scale: ${guidanceScale}`,
    ...(seed === undefined ? [] : [`Seed: ${seed}`]),
    ...(count > 1 && seeds.every((one) => one === seeds[0]) ? [`Batch size: ${count}`, `Batch pos: ${index}`] : []),
    `Size: ${width}x${height}`,
    `Model: ${basename(pipeline.folder)}`,
    `Version: thimble ${VERSION}`,
  ];
  return {
    parameters: [prompts[at] ?? '', ...(negative ? [`Negative prompt: ${negative}`] : []), settings.join(', ')].join(
      '\n',
    ),
  };
}

/** How noise levels are spaced, where it is not as trained. */
function scheduleTypes(config: Readonly<Record<string, unknown>>): string[] {
  return ['Karras', 'Exponential', 'Beta']
    .filter((name) => config[`use_${name.toLowerCase()}_sigmas`] === true)
    .map((name) => `Schedule type: ${name}`);
}
