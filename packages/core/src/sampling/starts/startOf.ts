import { checkMembers } from '../../fields/checkMembers.js';
import type { Component } from '../../execution/Component.js';
import { refuseOption } from '../../fields/refuseOption.js';
import type { CallOptions } from '../../hooks/calls/CallOptions.js';
import type { RunPicture } from '../../hooks/calls/RunContext.js';
import type { Scheduler } from '../../schedulers/Scheduler.js';
import type { PreparedRun } from '../../run/PreparedRun.js';
import type { SamplingOptions, SamplingRun } from '../prepareRun.js';
import { beginIndexOf, type StepRounding } from './beginIndexOf.js';
import { fromImage, type LatentDims } from './fromImage.js';
import { fromImageAndMask } from './fromImageAndMask.js';
import { fromNoise, type NoiseStart } from './fromNoise.js';
import type { PictureValues } from './pictureFields.js';
import type { Pictures } from './Pictures.js';
import type { Start } from './Start.js';
import { unitNoise } from './unitNoise.js';

/** How a run begins, beside the timestep of its window. */
export interface Beginning {
  /** None for a run from noise, and for one whose pictures are not read yet. */
  readonly pictures: Pictures | undefined;
  /** Whether a run with a mask goes all the way, from noise alone. */
  readonly whole: boolean;
}

/** What a pipeline takes for `strength` where nothing is said. */
export interface StrengthDefaults {
  readonly image: number;
  readonly mask: number;
}

/** What a run's beginning depends on, beside its options. */
export interface BeginningParts {
  /** With its timesteps set. */
  readonly scheduler: Scheduler;
  readonly pictures: Pictures | undefined;
  /** diffusers' for Stable Diffusion by default. */
  readonly strengths?: StrengthDefaults;
  /** Default 'down'. */
  readonly rounding?: StepRounding;
}

const STRENGTHS: StrengthDefaults = { image: 0.8, mask: 1 };

/**
 * A prepared run as it begins: at the first timestep, with a picture at the one that its strength says, with `denoisingStart` at that.
 *
 * @throws ERR_ARGUMENT_INVALID for a strength that leaves no step; for pictures that are neither one for all, nor one for each prompt or each result
 */
export function beginRun<R extends SamplingRun<SamplingOptions & PictureValues>>(
  run: R,
  parts: BeginningParts,
): R & Beginning & Required<Pick<PreparedRun, 'encodes'>> {
  checkMembers('run', run, 'a prepared run', ['options', 'window']);
  checkMembers('parts', parts, '{ scheduler, pictures }', ['scheduler']);
  const { scheduler, pictures, strengths = STRENGTHS, rounding = 'down' } = parts;
  const { image, maskImage, strength, numInferenceSteps, denoisingStart, denoisingEnd } = run.options;
  if (pictures !== undefined) checkPictureCount(pictures.image.count, run.options);
  const encodes = pictures === undefined ? [] : encodedPictures(pictures);
  if (denoisingStart !== undefined && strength !== undefined)
    refuseOption('strength', strength, 'nothing beside denoisingStart, which says where to begin');
  if (image === undefined || denoisingStart !== undefined)
    return { ...run, pictures, encodes, whole: image === undefined };
  const share = strength ?? (maskImage === undefined ? strengths.image : strengths.mask);
  const beginIndex = beginIndexOf(scheduler, numInferenceSteps, share, rounding);
  const { endIndex } = run.window;
  if (beginIndex >= endIndex)
    refuseOption('denoisingEnd', denoisingEnd, `an end after the beginning, which a strength of ${share} makes late`);
  return {
    ...run,
    pictures,
    encodes,
    whole: share === 1,
    steps: endIndex - beginIndex,
    window: { beginIndex, endIndex },
  };
}

/** None where their latents were given. */
function encodedPictures({ image: { count, latents }, width, height }: Pictures): readonly RunPicture[] {
  return latents === undefined ? Array.from({ length: count }, () => ({ width, height, isReference: false })) : [];
}

/** @throws ERR_ARGUMENT_INVALID for pictures that are neither one for all, nor one for each prompt or each result */
export function checkPictureCount(pictures: number, { count, numImagesPerPrompt = 1 }: SamplingRun['options']): void {
  const prompts = count / numImagesPerPrompt;
  if ([1, prompts, count].includes(pictures)) return;
  const more = count === prompts ? '' : `, or for each of ${count} results`;
  refuseOption('image', `${pictures} pictures`, `1 picture, or one for each of ${prompts} prompts${more}`);
}

/** What a start is made of, whatever it is from. */
export interface StartParts extends Omit<NoiseStart, 'dims'> {
  readonly beginning: Beginning;
  /** The first timestep of a run from a picture. */
  readonly beginIndex: number;
  readonly dims: LatentDims;
  /** Whether the denoiser takes a mask and a masked picture beside the latents. */
  readonly fillsIn: boolean;
  /** Needed only with pictures. */
  readonly vae: Component | undefined;
  /** As {@link ImageStart.noisy}. */
  readonly noisy?: boolean;
  readonly options: CallOptions;
}

/** The start that a run's options ask for: from noise, from a picture, or from a picture and a mask. @throws ERR_ARGUMENT_INVALID for noise of another size; ERR_LATENTS_NAN; what encoding throws */
export async function startOf(start: StartParts): Promise<Start> {
  checkMembers('start', start, 'what a start is made of', ['beginning', 'scheduler', 'generator', 'dims']);
  const {
    beginning: { pictures, whole },
    vae,
    ...parts
  } = start;
  if (pictures === undefined || vae === undefined) return fromNoise({ ...parts, latents: await unitNoise(parts) });
  const { image, mask, width, height } = pictures;
  const begun = { ...parts, vae, image };
  return mask === undefined ? fromImage(begun) : fromImageAndMask({ ...begun, mask, whole, width, height });
}
