import {
  booleanField,
  described,
  type FieldValues,
  integerField,
  numberField,
  type OptionsOf,
} from '../fields/Field.js';
import { omitFields } from '../fields/omitFields.js';
import { eitherField } from '../fields/optionFields.js';
import { outputTypeField, runFields } from '../run/runFields.js';
import { pictureFields, pictureSides } from '../sampling/starts/pictureFields.js';
import { stableDiffusionFields } from './StableDiffusionOptions.js';

/** What Z-Image takes beside what other pipelines do. */
const ownFields = {
  /**
   * Scales a guided prediction down whose norm is more than this many times that of the prediction with the prompt; `true` is 1, `false` and 0 leave it as it is.
   */
  cfgNormalization: described(eitherField(booleanField(false), numberField(0, 0)), {
    description: 'against colours that guidance makes too strong: a number, 1 = as strong as without guidance',
    flag: '--cfg-normalization <number>',
  }),
  /** Leaves guidance out from that share of the denoising on, 0 to 1: what 1 never reaches. */
  cfgTruncation: described(numberField(1, 0, 1), {
    description: 'leave guidance out from that share of the denoising on, 0 to 1',
    flag: '--cfg-truncation <share>',
  }),
};

const { numImagesPerPrompt, previews, sigmas } = stableDiffusionFields;

/** The options that a `ZImagePipeline` takes, before it knows its model's sizes. Flow matching has neither timesteps of its own nor an η. */
export const zImageFields = {
  ...omitFields(runFields, ['timesteps', 'eta']),
  ...pictureFields,
  ...ownFields,
  ...pictureSides(16, ''),
  numImagesPerPrompt,
  previews,
  sigmas,
  /** Weight of the prompt against the negative prompt, beyond that of the prompt alone: 0 means one pass without guidance, which takes half the time. */
  guidanceScale: described(numberField(5, 0), {
    description: 'how closely to follow the prompt; 0 = without guidance, and twice as fast',
    flag: '--guidance <number>',
  }),
  /** Text embeddings in place of the negative prompt, float32 [prompts, tokens, width]; of any number of tokens. */
  negativePromptEmbeds: runFields.negativePromptEmbeds,
  /** How far the result may go from `image`, above 0, to 1, which is all the way: the share of the steps that is done. By default 0.6, and 1 with a mask, as in diffusers. */
  strength: described(pictureFields.strength, { defaultText: '0.6; with a mask 1' }),
  /** Tokens of a prompt that are used, those of the chat template included. */
  maxSequenceLength: described(integerField(512, 1, 4096), { description: 'tokens of a prompt that are used' }),
  /** Pictures, one float32 tensor [n, 3, height, width] in [0, 1], or the latents [n, c, h, w]. */
  outputType: outputTypeField,
};

/** The same for a model whose patches are of `multiple` pixels on each side. */
export function fieldsForMultiple(multiple: number): typeof zImageFields {
  return { ...zImageFields, ...pictureSides(multiple, `: ${multiple} pixels are one patch`) };
}

/** The options of a `ZImagePipeline`'s runs. */
export type ZImageOptions = OptionsOf<typeof zImageFields>;

/** The same, checked, with defaults. */
export type ZImageValues = FieldValues<typeof zImageFields>;

declare module '../run/GenerateOptions.js' {
  interface GenerateOptions<O extends OutputType = OutputType> extends OptionsOf<typeof ownFields> {}
}
