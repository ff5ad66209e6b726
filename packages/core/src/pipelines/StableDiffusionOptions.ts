import { described, type Field, type FieldValues, integerField, numberField, type OptionsOf } from '../fields/Field.js';
import { outputTypeField, previewsField, runFields, sideField, sigmasField } from '../run/runFields.js';
import { pictureFields } from '../sampling/starts/pictureFields.js';

/** What Stable Diffusion takes beside the options that all pipelines have. */
const ownFields = {
  /** Noise levels in place of the scheduler's own, for schedulers that take them; falling. In place of `timesteps`. */
  sigmas: sigmasField,
  /** Brings the guided prediction's deviation back towards the unguided one's, 0 to 1 (arXiv 2305.08891). */
  guidanceRescale: described(numberField(0, 0, 1), {
    description: 'against colours that guidance makes too strong, 0 to 1',
  }),
  /** Pictures of each prompt, computed together. */
  numImagesPerPrompt: described(integerField(1, 1), {
    description: 'pictures of each prompt',
    flag: '-n, --count <number>',
  }),
  /** Layers of the text encoder to leave out at the end, for the prompt; the negative prompt goes through all. */
  clipSkip: described(integerField(0), {
    description: 'layers of the text encoder to leave out at the end',
    flag: '--clip-skip <number>',
  }),
  /**
   * Emit a small picture after every step: 'rgb', or true, by a linear map from latents to colours, which is measured on the VAE once (a decoding of
   * 4×4 latents) and then costs nothing; 'tiny', one of the picture's size, by an `AutoencoderTiny`: the checkpoint's VAE if it is one, or the component `preview_vae`.
   */
  previews: previewsField,
};

/** The options that a `StableDiffusionPipeline` takes, before it knows its model's sizes. */
export const stableDiffusionFields = {
  ...runFields,
  ...ownFields,
  ...pictureFields,
  width: pictureSide(8, 512),
  height: pictureSide(8, 512),
  /** Weight of the prompt against the negative prompt; 1 or less means one pass without guidance, which takes half the time. */
  guidanceScale: described(numberField(7.5), {
    description: 'how closely to follow the prompt; 1 = freely, and twice as fast',
    flag: '--guidance <number>',
  }),
  /** Pictures, one float32 tensor [n, 3, height, width] in [0, 1], or the latents [n, c, h, w]. */
  outputType: outputTypeField,
};

/** One side of a picture, which has no value where a picture to begin with says it. */
function pictureSide(step: number, size: number): Field<number | undefined> {
  const side = sideField(step, size) as Field<number | undefined>;
  return described(side, { impliedBy: ['image'], defaultText: "the picture's, or the model's own" });
}

/** The same for a model with latents of this height and width, each of `scaleFactor` pixels. */
export function fieldsForSize(
  [height, width]: readonly [number, number],
  scaleFactor: number,
): typeof stableDiffusionFields {
  const side = (latents: number): Field<number | undefined> => pictureSide(scaleFactor, latents * scaleFactor);
  return { ...stableDiffusionFields, width: side(width), height: side(height) };
}

/** The options of a `StableDiffusionPipeline`'s runs. */
export type StableDiffusionOptions = OptionsOf<typeof stableDiffusionFields>;

/** The same, checked, with defaults. */
export type StableDiffusionValues = FieldValues<typeof stableDiffusionFields>;

declare module '../run/GenerateOptions.js' {
  interface GenerateOptions<O extends OutputType = OutputType> extends OptionsOf<typeof ownFields> {}
}
