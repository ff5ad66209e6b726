import { described, type Field, type FieldValues, integerField, numberField, type OptionsOf } from '../fields/Field.js';
import { omitFields } from '../fields/omitFields.js';
import { listField } from '../fields/optionFields.js';
import { outputTypeField, runFields, sideField } from '../run/runFields.js';
import { pictureFields } from '../sampling/starts/pictureFields.js';
import { stableDiffusionFields } from './StableDiffusionOptions.js';

/** What FLUX.2 klein takes beside what other pipelines do. */
const ownFields = {
  /** The layers of the text encoder whose outputs the transformer is given side by side. Those after the last one do not run. */
  textEncoderOutLayers: described(
    {
      ...listField(integerField(0, 1), 'a list of layers of the text encoder', 1),
      default: [9, 18, 27] as readonly number[],
    },
    { description: 'layers of the text encoder that are read' },
  ) as Field<readonly number[]>,
  /** Pictures to look at beside one to begin with. */
  imageReference: described(pictureFields.image, {
    description: 'a picture to look at beside one to begin with',
    flag: '--reference <file>',
  }),
};

const { numImagesPerPrompt, previews, sigmas } = stableDiffusionFields;

/** The options that a `Flux2KleinPipeline` takes. Flow matching has neither timesteps of its own nor an η. */
export const flux2KleinFields = {
  ...omitFields(runFields, ['timesteps', 'eta']),
  ...pictureFields,
  ...ownFields,
  ...sides(),
  numImagesPerPrompt,
  previews,
  sigmas,
  /**
   * Pictures to look at, for all prompts, ten at most: what is asked for is made of them. Larger ones than 1024 × 1024 are made smaller; sides are cut to multiples of 16. With `strength` or `maskImage` a
   * picture to begin with, as everywhere.
   */
  image: described(pictureFields.image, {
    description: 'a picture to look at; with --strength or --mask one to begin with',
    flag: '--image <file>',
  }),
  /** How far the result may go from `image`, above 0, to 1: the picture is begun with, and not only looked at. With a mask 0.8 by default. */
  strength: described(pictureFields.strength, { defaultText: 'none: it is looked at; with a mask 0.8' }),
  /** What the picture should not be, of models that are not distilled; diffusers' pipeline has an empty one always. */
  negativePrompt: runFields.negativePrompt,
  /** Weight of the prompt against the negative one; 1 or less means one pass without guidance. Distilled models pass over it. */
  guidanceScale: described(numberField(4), {
    description: 'how closely to follow the prompt, of models that are not distilled; 1 = freely, and twice as fast',
    flag: '--guidance <number>',
  }),
  /** Unit noise to start from, float32 [n, 4c, height / 16, width / 16]. */
  latents: runFields.latents,
  /** Tokens of a prompt, those of the chat template and padding included: another number gives another picture. */
  maxSequenceLength: described(integerField(512, 1, 4096), { description: 'tokens of a prompt, padding included' }),
  /** Pictures, one float32 tensor [n, 3, height, width] in [0, 1], or the latents [n, c, h, w]. */
  outputType: outputTypeField,
};

/** The options of a `Flux2KleinPipeline`'s runs. */
export type Flux2KleinOptions = OptionsOf<typeof flux2KleinFields>;

/** The same, checked, with defaults. */
export type Flux2KleinValues = FieldValues<typeof flux2KleinFields>;

declare module '../run/GenerateOptions.js' {
  interface GenerateOptions<O extends OutputType = OutputType> extends OptionsOf<typeof ownFields> {}
}

/** The first picture has a size. */
function sides(): Record<'width' | 'height', Field<number | undefined>> {
  const side = described(sideField(16, 1024, ': 16 pixels are one token') as Field<number | undefined>, {
    impliedBy: ['image'],
    defaultText: "the first picture's, or 1024",
  });
  return { width: side, height: side };
}
