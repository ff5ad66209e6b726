import { CogVideoXPipeline } from './CogVideoXPipeline.js';
import type { DiffusionPipeline, PipelineParts } from '../run/Pipeline.js';
import { StableDiffusionPipeline } from './StableDiffusionPipeline.js';

/** A class of pipelines. */
export type PipelineConstructor = new (parts: PipelineParts) => DiffusionPipeline;

/** The pipelines that core knows, by the `_class_name` of `model_index.json`. */
export const pipelineRegistry: ReadonlyMap<string, PipelineConstructor> = new Map<string, PipelineConstructor>([
  ['StableDiffusionPipeline', StableDiffusionPipeline],
  ['CogVideoXPipeline', CogVideoXPipeline],
]);
