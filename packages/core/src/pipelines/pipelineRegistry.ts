import { CogVideoXPipeline } from './CogVideoXPipeline.js';
import type { PipelineConstructor } from './PipelineConstructor.js';
import { StableDiffusionPipeline } from './StableDiffusionPipeline.js';

/** The pipelines that core knows, by the `_class_name` of `model_index.json`. */
export const pipelineRegistry: ReadonlyMap<string, PipelineConstructor> = new Map<string, PipelineConstructor>([
  ['StableDiffusionPipeline', StableDiffusionPipeline],
  ['CogVideoXPipeline', CogVideoXPipeline],
]);
