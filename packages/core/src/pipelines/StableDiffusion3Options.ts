import { described, type Field, type FieldValues, integerField, numberField, type OptionsOf } from '../fields/Field.js';
import { omitFields } from '../fields/omitFields.js';
import { listField } from '../fields/optionFields.js';
import { outputTypeField, runFields, sideField } from '../run/runFields.js';
import { pictureFields } from '../sampling/starts/pictureFields.js';
import { stableDiffusionFields } from './StableDiffusionOptions.js';
import { stableDiffusionXLFields } from './StableDiffusionXLOptions.js';

const { prompt2, negativePrompt2, pooledPromptEmbeds, negativePooledPromptEmbeds } = stableDiffusionXLFields;
const share = (value: number): Field<number> => numberField(value, 0, 1);

/** What Stable Diffusion 3 takes beside what other pipelines do. */
const ownFields = {
  /** What the third text encoder, T5, reads: one text for all, or one per prompt; the prompt where it is missing or empty. */
  prompt3: described(prompt2, { description: 'what the third text encoder reads', flag: '--prompt-3 <text>' }),
  /** What the third text encoder reads as negative prompt; `negativePrompt` where it is missing or empty. */
  negativePrompt3: described(negativePrompt2, {
    description: 'what the third text encoder reads as the negative prompt',
    flag: '--negative-3 <text>',
  }),
  /** Blocks of the transformer, from 0, that one more prediction leaves out in the steps between start and stop: what they contribute is strengthened (skip-layer guidance). */
  skipGuidanceLayers: described(listField(integerField(0), 'a list of numbers of blocks'), {
    description: 'blocks whose contribution is strengthened, such as 7,8,9',
    flag: '--skip-layers <a,b,…>',
  }),
  /** How much that counts. */
  skipLayerGuidanceScale: described(numberField(2.8), {
    description: 'how much the skipped blocks count',
    flag: '--skip-scale <number>',
  }),
  /** The share of the steps after which it begins. */
  skipLayerGuidanceStart: described(share(0.01), {
    description: 'share of the steps after which that begins',
    flag: '--skip-start <share>',
  }),
  /** The share of the steps before which it ends. */
  skipLayerGuidanceStop: described(share(0.2), {
    description: 'share of the steps before which that ends',
    flag: '--skip-stop <share>',
  }),
};

const { numImagesPerPrompt, previews, sigmas, clipSkip } = stableDiffusionFields;

/** The options that a `StableDiffusion3Pipeline` takes, before it knows its model's sizes. Flow matching has neither timesteps of its own nor an η. */
export const stableDiffusion3Fields = {
  ...omitFields(runFields, ['timesteps', 'eta']),
  ...pictureFields,
  prompt2,
  negativePrompt2,
  pooledPromptEmbeds,
  negativePooledPromptEmbeds,
  ...ownFields,
  ...sidesOf(1024, 16),
  numInferenceSteps: { ...runFields.numInferenceSteps, default: 28 },
  numImagesPerPrompt,
  previews,
  sigmas,
  clipSkip,
  /** Weight of the prompt against the negative prompt; 1 or less means one pass without guidance, which takes half the time. */
  guidanceScale: { ...stableDiffusionFields.guidanceScale, default: 7 },
  /** Text embeddings of all three encoders in place of the prompt, float32 [prompts, tokens, width]; with `pooledPromptEmbeds`. */
  promptEmbeds: runFields.promptEmbeds,
  /** How far the result may go from `image`, above 0, to 1, which is all the way: the share of the steps that is done. By default 0.6, as in diffusers. */
  strength: described(pictureFields.strength, { defaultText: '0.6' }),
  /** Tokens of T5: a prompt's are cut and filled up to this many, all of which the transformer attends to; without T5 as many zeros. */
  maxSequenceLength: described(integerField(256, 1, 512), {
    description: 'tokens of a prompt that are read',
    flag: '--max-sequence-length <number>',
    defaultText: "the pipeline's own",
  }),
  /** Pictures, one float32 tensor [n, 3, height, width] in [0, 1], or the latents [n, c, h, w]. */
  outputType: outputTypeField,
};

/** The same for a model with pictures of these sides, `multiple` pixels of which are one patch. */
export function fieldsForPatches(side: number, multiple: number): typeof stableDiffusion3Fields {
  return { ...stableDiffusion3Fields, ...sidesOf(side, multiple) };
}

/** The options of a `StableDiffusion3Pipeline`'s runs. */
export type StableDiffusion3Options = OptionsOf<typeof stableDiffusion3Fields>;

/** The same, checked, with defaults. */
export type StableDiffusion3Values = FieldValues<typeof stableDiffusion3Fields>;

declare module '../run/GenerateOptions.js' {
  interface GenerateOptions<O extends OutputType = OutputType> extends OptionsOf<typeof ownFields> {}
}

/** A picture to begin with has a size. */
function sidesOf(pixels: number, multiple: number): Record<'width' | 'height', Field<number | undefined>> {
  const reason = `: ${multiple} pixels are one patch`;
  const side = described(sideField(multiple, pixels, reason) as Field<number | undefined>, {
    impliedBy: ['image'],
    defaultText: "the picture's, or the model's own",
  });
  return { width: side, height: side };
}
