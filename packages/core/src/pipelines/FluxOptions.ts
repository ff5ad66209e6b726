import { described, type Field, type FieldValues, integerField, numberField, type OptionsOf } from '../fields/Field.js';
import { omitFields } from '../fields/omitFields.js';
import { outputTypeField, runFields } from '../run/runFields.js';
import { pictureFields, pictureSides } from '../sampling/starts/pictureFields.js';
import { stableDiffusionFields } from './StableDiffusionOptions.js';
import { stableDiffusionXLFields } from './StableDiffusionXLOptions.js';

/** What FLUX.1 takes beside what other pipelines do. */
const ownFields = {
  /** Weight of the prompt against the negative prompt: above 1, and with a negative prompt, the transformer is asked twice a step. */
  trueCfgScale: described(numberField(1), {
    description: 'how closely to follow the prompt, and not --negative: above 1 it takes twice as long',
    flag: '--true-cfg <number>',
  }),
};

const { numImagesPerPrompt, previews, sigmas } = stableDiffusionFields;
const { prompt2, negativePrompt2, pooledPromptEmbeds, negativePooledPromptEmbeds } = stableDiffusionXLFields;

/** The options that a `FluxPipeline` takes, before it knows its model's sizes. Flow matching has neither timesteps of its own nor an η. */
export const fluxFields = {
  ...omitFields(runFields, ['timesteps', 'eta']),
  ...pictureFields,
  ...ownFields,
  ...pictureSides(16, ''),
  numImagesPerPrompt,
  previews,
  sigmas,
  prompt2,
  negativePrompt2,
  pooledPromptEmbeds,
  negativePooledPromptEmbeds,
  /** Steps of the scheduler. */
  numInferenceSteps: { ...runFields.numInferenceSteps, default: 28 } as Field<number | undefined>,
  /** What dev was distilled with, a condition of the model: no second pass. schnell passes over it. */
  guidanceScale: described(numberField(3.5), {
    description: 'how closely to follow the prompt, of models that take it as a condition',
    flag: '--guidance <number>',
  }),
  /** How far the result may go from `image`, above 0, to 1, which is all the way: the share of the steps that is done. By default 0.6, as in diffusers. */
  strength: described(pictureFields.strength, { defaultText: '0.6' }),
  /** Tokens that T5 reads of a prompt, padding included: another number gives another picture. */
  maxSequenceLength: described(integerField(512, 1, 512), { description: 'tokens of a prompt, padding included' }),
  /** Pictures, one float32 tensor [n, 3, height, width] in [0, 1], or the latents [n, c, h, w]. */
  outputType: outputTypeField,
};

/** The same for a model whose tokens are of `multiple` pixels on each side. */
export function fieldsForTokens(multiple: number): typeof fluxFields {
  return { ...fluxFields, ...pictureSides(multiple, `: ${multiple} pixels are one token`) };
}

/** The options of a `FluxPipeline`'s runs. */
export type FluxOptions = OptionsOf<typeof fluxFields>;

/** The same, checked, with defaults. */
export type FluxValues = FieldValues<typeof fluxFields>;

declare module '../run/GenerateOptions.js' {
  interface GenerateOptions<O extends OutputType = OutputType> extends OptionsOf<typeof ownFields> {}
}
