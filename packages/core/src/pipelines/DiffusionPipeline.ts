import { Pipeline } from '../run/Pipeline.js';
import { checkSingleFile } from './checkSingleFile.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { openPipeline } from './openPipeline.js';
import { pipelineRegistry } from './pipelineRegistry.js';

/** What applications open checkpoints by, whatever class of pipeline they are for. Every pipeline is an `instanceof` it. */
export abstract class DiffusionPipeline extends Pipeline {
  /**
   * Opens a checkpoint in diffusers' layout: a folder, or a hub id `owner/name[@revision]`, which is looked for in the Hugging Face
   * cache and else downloaded; or one in a single file, as {@link DiffusionPipeline.fromSingleFile}. A folder that holds a single model becomes a pipeline with that one component. Weights are mapped
   * when a component first runs.
   *
   * @throws ThimbleError with a code for whatever is missing, malformed or not supported; `signal.reason`
   */
  static async fromPretrained(folderOrId: string, options: FromPretrainedOptions = {}): Promise<DiffusionPipeline> {
    return openPipeline(folderOrId, options, pipelineRegistry);
  }

  /**
   * Opens a checkpoint in one file, with its original keys or diffusers': which model it is, is told by the names and shapes of its tensors, and its configs and tokenizers come with
   * thimble, or from `config`. The file is mapped as it is. One that holds a single model becomes a pipeline with that one component.
   *
   * @param file a path; `owner/name:path/file.safetensors`, or that file's address on the hub
   * @throws ThimbleError with a code for what is no such file, such as a LoRA or a pickle, and as {@link DiffusionPipeline.fromPretrained}
   */
  static async fromSingleFile(file: string, options: FromPretrainedOptions = {}): Promise<DiffusionPipeline> {
    await checkSingleFile(file);
    return openPipeline(file, options, pipelineRegistry);
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Pipeline;
  }
}
