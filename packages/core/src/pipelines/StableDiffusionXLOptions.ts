import { described, type Field, type FieldValues, integerField, numberField, type OptionsOf } from '../fields/Field.js';
import { tensorField } from '../fields/objectField.js';
import { eitherField, listField, optional, pairField, textField } from '../fields/optionFields.js';
import { runFields, sideField } from '../run/runFields.js';
import { stableDiffusionFields } from './StableDiffusionOptions.js';

const texts = optional(eitherField(textField(''), listField(textField(''), 'a list with one text per prompt')));
const size = pairField(integerField(0, 1), 'height and width in pixels, such as [1024, 1024]', 'x');
const corner = pairField(integerField(0), 'top and left in pixels, such as [0, 0]');
const score = optional(numberField(0));

/** What Stable Diffusion XL takes beside what Stable Diffusion does. Sizes are [height, width], as in diffusers. */
const ownFields = {
  /** What the second text encoder reads: one text for all, or one per prompt; the prompt where it is missing or empty. */
  prompt2: described(texts, {
    description: 'what the second text encoder reads',
    flag: '--prompt-2 <text>',
    defaultText: 'the prompt',
  }),
  /** What the second text encoder reads as negative prompt; `negativePrompt` where it is missing or empty. */
  negativePrompt2: described(texts, {
    description: 'what the second text encoder reads as the negative prompt',
    flag: '--negative-2 <text>',
    defaultText: 'the negative prompt',
  }),
  /** The pooled text embeddings that go with `promptEmbeds`, float32 [prompts, width]. */
  pooledPromptEmbeds: tensorField('prompts', 'width'),
  /** The pooled text embeddings that go with `negativePromptEmbeds`, float32 [prompts, width]. */
  negativePooledPromptEmbeds: tensorField('prompts', 'width'),
  /** The size from which the picture seems to have been scaled: smaller ones make it look blurred. Default: its own. */
  originalSize: described(size, {
    description: 'looks as if scaled from that size, width x height',
    flag: '--original-size <WxH>',
    defaultText: "the picture's",
  }),
  /** The corner at which the picture seems to have been cut out of a larger one; [0, 0] has things in the middle. */
  cropsCoordsTopLeft: described(
    { ...corner, default: [0, 0] as readonly [number, number] },
    { description: 'looks as if cut out there', flag: '--crop <top,left>', defaultText: '0,0' },
  ),
  /** The size that the picture seems to have. Default: its own. */
  targetSize: described(size, {
    description: 'looks as if of that size',
    flag: '--target-size <WxH>',
    defaultText: "the picture's",
  }),
  /** What the negative prompt is to look scaled from; goes with `negativeTargetSize`. Default: as for the prompt. */
  negativeOriginalSize: size,
  /** The corner for the negative prompt; goes with `negativeOriginalSize` and `negativeTargetSize`. Default [0, 0] beside those. */
  negativeCropsCoordsTopLeft: corner,
  /** The size for the negative prompt; goes with `negativeOriginalSize`. */
  negativeTargetSize: size,
  /** Ends the run when this share of the denoising is done, more than 0 to 1: the latents are for another model, the refiner. */
  denoisingEnd: shareField(),
  /** Goes on at this share of the denoising, more than 0 to below 1, with the `latents` of a run that ended there, or an `image` of that noise; none is added. */
  denoisingStart: shareField(),
  /** How beautiful the picture is to be, of refiners. Default 6. */
  aestheticScore: described(score, { defaultText: '6' }),
  /** The same for the negative prompt. Default 2.5. */
  negativeAestheticScore: described(score, { defaultText: '2.5' }),
};

/** The options that a `StableDiffusionXLPipeline` takes, before it knows its model's sizes. */
export const stableDiffusionXLFields = {
  ...stableDiffusionFields,
  ...ownFields,
  ...sidesOf([1024, 1024], 8),
  /** Weight of the prompt against the negative prompt; 1 or less means one pass without guidance, which takes half the time. */
  guidanceScale: { ...stableDiffusionFields.guidanceScale, default: 5 },
  /** Unit noise to start from, float32 [n, c, h, w]; with `denoisingStart` the latents of another run. They say how large the picture is. */
  latents: runFields.latents,
};

/** The same for a model with pictures of these sizes, `scaleFactor` pixels of which are one latent on each side. */
export function fieldsForPictures(
  size: readonly [width: number, height: number],
  scaleFactor: number,
): typeof stableDiffusionXLFields {
  return { ...stableDiffusionXLFields, ...sidesOf(size, scaleFactor) };
}

/** The options of a `StableDiffusionXLPipeline`'s runs. */
export type StableDiffusionXLOptions = OptionsOf<typeof stableDiffusionXLFields>;

/** The same, checked, with defaults. */
export type StableDiffusionXLValues = FieldValues<typeof stableDiffusionXLFields>;

declare module '../run/GenerateOptions.js' {
  interface GenerateOptions<O extends OutputType = OutputType> extends OptionsOf<typeof ownFields> {}
}

/** Given latents have a size. */
function sidesOf(
  [width, height]: readonly [number, number],
  scaleFactor: number,
): Record<'width' | 'height', Field<number | undefined>> {
  const side = (pixels: number): Field<number | undefined> =>
    described(sideField(scaleFactor, pixels) as Field<number | undefined>, {
      defaultText: "the picture's, or the model's own",
      impliedBy: ['latents', 'image'],
    });
  return { width: side(width), height: side(height) };
}

function shareField(): Field<number | undefined> {
  const share = numberField(0, 0, 1);
  return {
    ...optional(share),
    expected: 'a number above 0, to 1',
    accepts: (value) => share.accepts(value) && value !== 0,
    schema: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
  };
}
