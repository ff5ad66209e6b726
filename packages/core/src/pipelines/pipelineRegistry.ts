import type { PipelineConstructor } from '../run/PipelineConstructor.js';
import * as pipelines from './pipelines.js';

/** The pipelines that thimble has, by the `_class_name` of `model_index.json`: all that `pipelines.ts` lists. One class may have several names. */
export const pipelineRegistry: Readonly<Record<string, PipelineConstructor>> = { ...pipelines };
