import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import type { Prompt } from '../run/GenerateOptions.js';
import type { PipelineParts } from '../run/PipelineParts.js';
import type { PipelineConstructor } from '../run/PipelineConstructor.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { prepareRun } from '../sampling/prepareRun.js';
import { checkLatents } from '../sampling/starts/checkLatents.js';
import type { Pictures } from '../sampling/starts/Pictures.js';
import { checkPictureOptions } from '../sampling/starts/readPictures.js';
import { beginRun } from '../sampling/starts/startOf.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import { LatentDiffusionPipeline, type LatentDiffusionRun } from './LatentDiffusionPipeline.js';
import { checkSingleFile } from './checkSingleFile.js';
import { namesOf } from './namesOf.js';
import { openAs } from './openAs.js';
import { withCorrectedScheduler } from './outdatedConfigs.js';
import { fieldsForSize, stableDiffusionFields, type StableDiffusionValues } from './StableDiffusionOptions.js';

/**
 * Latent diffusion from text, from a picture, and from a picture and a mask: Stable Diffusion 1.x and 2.x, UNets for inpainting included (source: diffusers
 * pipelines/stable_diffusion/pipeline_stable_diffusion.py, …_img2img.py, …_inpaint.py).
 */
export class StableDiffusionPipeline extends LatentDiffusionPipeline<typeof stableDiffusionFields, LatentDiffusionRun> {
  /** Its names in diffusers where it begins with pictures. */
  static readonly aliases = ['StableDiffusionImg2ImgPipeline', 'StableDiffusionInpaintPipeline'];
  /** The options of `generate`, before the sizes of a model are known. */
  static readonly optionFields = stableDiffusionFields;

  /** As `DiffusionPipeline.fromPretrained`, for a checkpoint of this class. @throws also ERR_ARGUMENT_INVALID if it is of another one */
  static async fromPretrained<P extends StableDiffusionPipeline>(
    this: PipelineConstructor<P>,
    folderOrId: string,
    options: FromPretrainedOptions = {},
  ): Promise<P> {
    return openAs(namesOf({ StableDiffusionPipeline: this }), folderOrId, options);
  }

  /** Opens a checkpoint in one file, as `DiffusionPipeline.fromSingleFile`. @throws also ERR_ARGUMENT_INVALID for a checkpoint of another class */
  static async fromSingleFile<P extends StableDiffusionPipeline>(
    this: PipelineConstructor<P>,
    file: string,
    options: FromPretrainedOptions = {},
  ): Promise<P> {
    await checkSingleFile(file);
    return openAs(namesOf({ StableDiffusionPipeline: this }), file, options);
  }

  constructor(parts: PipelineParts) {
    super(withCorrectedScheduler(parts));
  }

  protected get fields(): typeof stableDiffusionFields {
    return fieldsForSize(this.sampleSize, this.vaeScaleFactor);
  }

  protected prepare(prompt: Prompt, options: StableDiffusionValues, pictures?: Pictures): LatentDiffusionRun {
    const { image } = options;
    this.requireParts(options);
    this.requirePreviews(options);
    checkPictureOptions(options, this.denoiserInput);
    const { scheduler } = this;
    const { width = this.size[0], height = this.size[1] } = pictures ?? options;
    const run = beginRun(prepareRun(scheduler, prompt, { ...options, width, height }), { scheduler, pictures });
    if (pictures !== undefined || image === undefined) checkLatents(options.latents, this.latentDims(run.options));
    return run;
  }

  protected async conditions(prepared: LatentDiffusionRun, run: PipelineRun, guided: boolean): Promise<NamedTensors> {
    return { encoder_hidden_states: await this.hiddenStates(prepared, run, guided) };
  }
}
