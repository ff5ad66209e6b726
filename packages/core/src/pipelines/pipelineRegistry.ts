import type { Pipeline } from '../run/Pipeline.js';
import type { PipelineConstructor } from '../run/PipelineConstructor.js';
import { namesOf } from './namesOf.js';
import * as pipelines from './pipelines.js';

/** The pipelines that thimble has, by the `_class_name` of `model_index.json`: all that `pipelines.ts` lists, under each of their names. */
export const pipelineRegistry: Readonly<Record<string, PipelineConstructor>> = namesOf<Pipeline>({ ...pipelines });
