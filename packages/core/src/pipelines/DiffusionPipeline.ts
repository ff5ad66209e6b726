import { Pipeline } from '../run/Pipeline.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { openPipeline } from './openPipeline.js';
import { pipelineRegistry } from './pipelineRegistry.js';

/** What applications open checkpoints by, whatever class of pipeline they are for. Every pipeline is an `instanceof` it. */
export abstract class DiffusionPipeline extends Pipeline {
  /**
   * Opens a checkpoint in diffusers' layout: a folder, or a hub id `owner/name[@revision]`, which is looked for in the Hugging Face
   * cache and else downloaded. A folder that holds a single model becomes a pipeline with that one component. Weights are mapped
   * when a component first runs.
   *
   * @throws ThimbleError with a code for whatever is missing, malformed or not supported; `signal.reason`
   */
  static async fromPretrained(folderOrId: string, options: FromPretrainedOptions = {}): Promise<DiffusionPipeline> {
    return openPipeline(folderOrId, options, pipelineRegistry);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Pipeline;
  }
}
