import { ThimbleError } from '../errors.js';
import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import type { Prompt } from '../run/GenerateOptions.js';
import { plainCalls, type RunCalls } from '../extension/RunCalls.js';
import type { PipelineConstructor } from '../run/PipelineConstructor.js';
import type { PipelineRun } from '../run/PipelineRun.js';
import { prepareRun } from '../sampling/prepareRun.js';
import { checkLatents } from '../sampling/starts/checkLatents.js';
import type { Pictures } from '../sampling/starts/Pictures.js';
import { checkPictureOptions } from '../sampling/starts/readPictures.js';
import { checkPictureCount } from '../sampling/starts/startOf.js';
import type { FromPretrainedOptions } from './FromPretrainedOptions.js';
import {
  consistencyFieldsForSize,
  latentConsistencyModelFields,
  type LatentConsistencyModelValues,
} from './LatentConsistencyModelOptions.js';
import { LatentDiffusionPipeline, type LatentDiffusionRun } from './LatentDiffusionPipeline.js';
import { checkSingleFile } from './checkSingleFile.js';
import { namesOf } from './namesOf.js';
import { openAs } from './openAs.js';

/** diffusers', of runs from a picture. */
const STRENGTH = 0.8;

/** What Stable Diffusion takes and these models do not. */
const NOT_TAKEN = {
  negativePrompt: undefined,
  negativePromptEmbeds: undefined,
  guidanceRescale: 0,
  eta: 0,
  sigmas: undefined,
  maskImage: undefined,
  paddingMaskCrop: undefined,
} as const;

/**
 * Latent consistency models, from text and from a picture: a UNet that was distilled to jump to the picture in few steps, and takes the guidance scale as a condition, in one pass and without a negative
 * prompt (S. Luo et al., "Latent Consistency Models", 2023; source: diffusers pipelines/latent_consistency_models).
 *
 * A picture's `strength` shortens the steps that the model was distilled with; all of `numInferenceSteps` are done within them.
 */
export class LatentConsistencyModelPipeline extends LatentDiffusionPipeline<
  typeof latentConsistencyModelFields,
  LatentDiffusionRun
> {
  /** Its name in diffusers where it begins with pictures. */
  static readonly aliases = ['LatentConsistencyModelImg2ImgPipeline'];
  /** The options of `generate`, before the sizes of a model are known. */
  static readonly optionFields = latentConsistencyModelFields;

  /** As `DiffusionPipeline.fromPretrained`, for a checkpoint of this class. @throws also ERR_ARGUMENT_INVALID if it is of another one */
  static async fromPretrained<P extends LatentConsistencyModelPipeline>(
    this: PipelineConstructor<P>,
    folderOrId: string,
    options: FromPretrainedOptions = {},
  ): Promise<P> {
    return openAs(namesOf({ LatentConsistencyModelPipeline: this }), folderOrId, options);
  }

  /** Opens a checkpoint in one file, as `DiffusionPipeline.fromSingleFile`. @throws also ERR_ARGUMENT_INVALID for a checkpoint of another class */
  static async fromSingleFile<P extends LatentConsistencyModelPipeline>(
    this: PipelineConstructor<P>,
    file: string,
    options: FromPretrainedOptions = {},
  ): Promise<P> {
    await checkSingleFile(file);
    return openAs(namesOf({ LatentConsistencyModelPipeline: this }), file, options);
  }

  protected get fields(): typeof latentConsistencyModelFields {
    return consistencyFieldsForSize(this.sampleSize, this.vaeScaleFactor);
  }

  /** The guidance scale is a condition, and no second pass. */
  override get calls(): RunCalls {
    return { ...plainCalls, guidedAbove: Infinity };
  }

  protected prepare(prompt: Prompt, values: LatentConsistencyModelValues, pictures?: Pictures): LatentDiffusionRun {
    const { image, strength = STRENGTH, originalInferenceSteps } = values;
    this.requireParts(values);
    this.requirePreviews(values);
    checkDistilled(this.unet.config);
    const { width = this.size[0], height = this.size[1] } = pictures ?? values;
    const options = { ...NOT_TAKEN, ...values, width, height };
    checkPictureOptions(options, this.denoiserInput);
    const run = prepareRun(this.scheduler, prompt, options, {
      ...(originalInferenceSteps === undefined ? {} : { originalInferenceSteps }),
      ...(image === undefined ? {} : { strength }),
    });
    if (pictures !== undefined) checkPictureCount(pictures.image.count, run.options);
    if (pictures !== undefined || image === undefined) checkLatents(values.latents, this.latentDims(run.options));
    return { ...run, pictures, whole: image === undefined };
  }

  protected async conditions(prepared: LatentDiffusionRun, run: PipelineRun, guided: boolean): Promise<NamedTensors> {
    return { encoder_hidden_states: await this.hiddenStates(prepared, run, guided) };
  }
}

/** @throws ERR_CONFIG_UNSUPPORTED for a UNet that does not take the guidance scale */
function checkDistilled({ time_cond_proj_dim: width }: Readonly<Record<string, unknown>>): void {
  if (typeof width === 'number') return;
  throw new ThimbleError('ERR_CONFIG_UNSUPPORTED', {
    component: 'unet',
    field: 'time_cond_proj_dim',
    value: width,
    supported: 'a number: latent consistency models take the guidance scale; others are for StableDiffusionPipeline',
  });
}
