import type { PipelineConstructor } from '../run/PipelineConstructor.js';
import { CogVideoXPipeline } from './CogVideoXPipeline.js';
import { StableDiffusionPipeline } from './StableDiffusionPipeline.js';

/** The pipelines that thimble has, by the `_class_name` of `model_index.json`. One class may have several names. */
export const pipelineRegistry: Readonly<Record<string, PipelineConstructor>> = {
  CogVideoXPipeline,
  StableDiffusionPipeline,
};
