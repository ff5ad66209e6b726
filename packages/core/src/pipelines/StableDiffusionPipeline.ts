import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import type { Prompt } from '../run/GenerateOptions.js';
import type { PipelineParts } from '../run/PipelineParts.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { guidedEmbeds } from '../sampling/guidedEmbeds.js';
import { checkClipSkip, lastHiddenState } from '../sampling/lastHiddenState.js';
import { prepareRun } from '../sampling/prepareRun.js';
import { checkLatents } from '../sampling/starts/checkLatents.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { LatentDiffusionPipeline, type LatentDiffusionRun } from './LatentDiffusionPipeline.js';
import { openAs } from './openAs.js';
import { sampleSizeOf, withCorrectedScheduler } from './outdatedConfigs.js';
import { fieldsForSize, stableDiffusionFields, type StableDiffusionValues } from './StableDiffusionOptions.js';

/** Text to image with latent diffusion, Stable Diffusion 1.x and 2.x (source: diffusers pipelines/stable_diffusion/pipeline_stable_diffusion.py). */
export class StableDiffusionPipeline extends LatentDiffusionPipeline<typeof stableDiffusionFields, LatentDiffusionRun> {
  /** The options of `generate`, before the sizes of a model are known. */
  static readonly optionFields = stableDiffusionFields;

  /** As `DiffusionPipeline.fromPretrained`, for a checkpoint of this class. @throws also ERR_ARGUMENT_INVALID if it is of another one */
  static async fromPretrained(
    folderOrId: string,
    options: FromPretrainedOptions = {},
  ): Promise<StableDiffusionPipeline> {
    return openAs({ StableDiffusionPipeline }, folderOrId, options);
  }

  constructor(parts: PipelineParts) {
    super(withCorrectedScheduler(parts));
  }

  protected get fields(): typeof stableDiffusionFields {
    return fieldsForSize(sampleSizeOf(this.components['unet']?.config ?? {}), this.vaeScaleFactor);
  }

  protected prepare(prompt: Prompt, options: StableDiffusionValues): LatentDiffusionRun {
    const { outputType, promptEmbeds } = options;
    this.require('unet', outputType !== 'latent' && 'vae', promptEmbeds === undefined && 'text_encoder');
    const { text_encoder: encoder } = this.components;
    if (encoder !== undefined) checkClipSkip(encoder, options.clipSkip);
    const run = prepareRun(this.scheduler, prompt, options);
    checkLatents(options.latents, this.latentDims(run.options));
    return run;
  }

  protected async conditions(
    { options }: LatentDiffusionRun,
    run: PipelineRun,
    guided: boolean,
  ): Promise<NamedTensors> {
    // As in diffusers, clipSkip concerns the prompt alone.
    const encoder = (): ReturnType<typeof this.promptEncoder> =>
      this.promptEncoder('text_encoder', async (clip, inputs, negative) => ({
        embeds: await lastHiddenState(clip, inputs, negative ? 0 : options.clipSkip, run.callOptions),
      }));
    return { encoder_hidden_states: await guidedEmbeds(run, encoder, options, guided) };
  }
}
