import { createToken, type Token } from '../extension/Token.js';
import type { Named } from '../extension/tokens.js';
import type { Pipeline } from './Pipeline.js';
import type { PipelineParts } from './PipelineParts.js';

/** A class of pipelines. */
export interface PipelineConstructor<P extends Pipeline = Pipeline> {
  new (parts: PipelineParts): P;
  /** Other names that `model_index.json` may have for it: diffusers has a class for each task of a model. */
  readonly aliases?: readonly string[];
  /** Names of models that may be given beside those that a checkpoint has. */
  readonly optionalComponents?: readonly string[];
}

/** Pipelines, by the `_class_name` of `model_index.json`: `ctx.provide(PIPELINES, { MyPipeline })`. Core's are among them. */
export const PIPELINES: Token<Named<PipelineConstructor>> = createToken('thimble:pipelines');
