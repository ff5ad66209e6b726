import type { PipelineConstructor } from '../run/PipelineConstructor.js';
import * as pipelines from './pipelines.js';

/** The pipelines that thimble has, by the `_class_name` of `model_index.json`: all that `pipelines.ts` lists, some under a second name. */
export const pipelineRegistry: Readonly<Record<string, PipelineConstructor>> = {
  ...pipelines,
  StableDiffusionXLImg2ImgPipeline: pipelines.StableDiffusionXLPipeline,
};
