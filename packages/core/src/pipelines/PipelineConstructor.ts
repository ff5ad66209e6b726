import type { Pipeline } from '../run/Pipeline.js';
import type { PipelineParts } from '../run/PipelineParts.js';

/** A class of pipelines. */
export type PipelineConstructor<P extends Pipeline = Pipeline> = new (parts: PipelineParts) => P;
