import { basename } from 'node:path';
import type { RunContext } from '../hooks/RunContext.js';
import { VERSION } from '../version.js';
import type { DiffusionPipeline } from './DiffusionPipeline.js';
import type { StableDiffusionOptions } from './StableDiffusionOptions.js';

/** What is written into an image of a run: prompt and settings under `parameters`, in the form that other tools read. */
export function pngParameters(pipeline: DiffusionPipeline, { options }: RunContext, index: number, seeds: readonly number[]): Record<string, string> {
  const { prompts, negativePrompts, numImagesPerPrompt, numInferenceSteps, guidanceScale, width, height } = options as unknown as StableDiffusionOptions;
  const at = Math.floor(index / numImagesPerPrompt);
  const negative = negativePrompts[at];
  const seed = seeds[index];
  const settings = [
    `Steps: ${numInferenceSteps}`,
    `Sampler: ${pipeline.scheduler.constructor.name}`,
    `CFG scale: ${guidanceScale}`,
    ...(seed === undefined ? [] : [`Seed: ${seed}`]),
    `Size: ${width}x${height}`,
    `Model: ${basename(pipeline.folder)}`,
    `Version: thimble ${VERSION}`,
  ];
  return { parameters: [prompts[at] ?? '', ...(negative ? [`Negative prompt: ${negative}`] : []), settings.join(', ')].join('\n') };
}
