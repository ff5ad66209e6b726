import { described, type FieldValues, integerField, type OptionsOf } from '../fields/Field.js';
import { omitFields } from '../fields/omitFields.js';
import { optional } from '../fields/optionFields.js';
import { fieldsForSize, stableDiffusionFields } from './StableDiffusionOptions.js';

/** What latent consistency models take beside what Stable Diffusion does. */
const ownFields = {
  /** Steps that the model was distilled with, out of which the run's are chosen; for `LCMScheduler`. Default: what its config says. */
  originalInferenceSteps: described(optional(integerField(50, 1)), {
    description: 'LCM: steps that the model was distilled with',
    flag: '--original-inference-steps <number>',
    defaultText: "the scheduler's",
  }),
};

/** Without guidance there is no negative prompt and nothing to rescale; the scheduler has its own noise levels and no η; and there is no inpainting. */
const shared = omitFields(stableDiffusionFields, [
  'negativePrompt',
  'negativePromptEmbeds',
  'guidanceRescale',
  'eta',
  'sigmas',
  'maskImage',
  'paddingMaskCrop',
]);

/** The options that a `LatentConsistencyModelPipeline` takes, before it knows its model's sizes. */
export const latentConsistencyModelFields = {
  ...shared,
  ...ownFields,
  /** Calls of the UNet; 1 to 8. */
  numInferenceSteps: { ...shared.numInferenceSteps, default: 4 },
  /** How closely to follow the prompt: a condition of the model, which costs nothing. */
  guidanceScale: { ...shared.guidanceScale, default: 8.5, description: 'how closely to follow the prompt' },
};

/** The same for a model with latents of this height and width, each of `scaleFactor` pixels. */
export function consistencyFieldsForSize(
  size: readonly [height: number, width: number],
  scaleFactor: number,
): typeof latentConsistencyModelFields {
  const { width, height } = fieldsForSize(size, scaleFactor);
  return { ...latentConsistencyModelFields, width, height };
}

/** The options of a `LatentConsistencyModelPipeline`'s runs. */
export type LatentConsistencyModelOptions = OptionsOf<typeof latentConsistencyModelFields>;

/** The same, checked, with defaults. */
export type LatentConsistencyModelValues = FieldValues<typeof latentConsistencyModelFields>;

declare module '../run/GenerateOptions.js' {
  interface GenerateOptions<O extends OutputType = OutputType> extends OptionsOf<typeof ownFields> {}
}
