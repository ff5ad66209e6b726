import {
  booleanField,
  described,
  type FieldValues,
  integerField,
  numberField,
  type OptionsOf,
} from '../fields/Field.js';
import type { ModelConfig } from '../fields/ConfigReader.js';
import { tensorField } from '../fields/objectField.js';
import { eitherField, listField } from '../fields/optionFields.js';
import { outputTypeField, runFields, sideField } from '../run/runFields.js';

/** What CogVideoX takes beside the options that all pipelines have. */
const ownFields = {
  /** Frames of a video; a multiple of 4 and one more (where the VAE makes 4 frames of one). */
  numFrames: described(integerField(49, 1), {
    description: 'multiples of 8 and one more, such as 49',
    flag: '--frames <number>',
    defaultText: "the model's own",
  }),
  /** Lets the guidance swing with the timestep, as diffusers does. */
  useDynamicCfg: described(booleanField(false), {
    description: 'let the guidance swing with the timestep, as CogVideoX-5b was shown with',
    flag: '--dynamic-guidance',
  }),
  /** Tokens of a prompt that are used, where the text encoder knows no limit. */
  maxSequenceLength: described(integerField(226, 1, 4096), { description: 'tokens of a prompt that are used' }),
};

/** The options that a `CogVideoXPipeline` takes, before it knows its model's sizes. */
export const cogVideoXFields = {
  ...runFields,
  ...ownFields,
  /** Weight of the prompt against the negative prompt, or a list with one for each step; 1 or less means one pass without guidance, which takes half the time. */
  guidanceScale: described(eitherField(numberField(6), listField(numberField(0), 'a list with one for each step', 0)), {
    description: 'how closely to follow the prompt; 1 = freely, and twice as fast',
    flag: '--guidance <number>',
  }),
  /** Unit noise to start from, float32 [n, frames, c, h, w]. */
  latents: tensorField('n', 'frames', 'c', 'h', 'w'),
  /** Frames, one float32 tensor [n, frames, height, width, 3] in [0, 1], or the latents [n, latent frames, c, h, w]. */
  outputType: outputTypeField,
};

/** The same for a model with this config of its transformer, and a VAE that makes `scaleFactor` pixels of a latent on each side. */
export function fieldsForModel(transformer: ModelConfig, scaleFactor: number): typeof cogVideoXFields {
  const size = (name: string, value: number): number => Number(transformer[name] ?? value);
  const patch = size('patch_size', 2);
  const reason = `: ${scaleFactor} pixels are one latent, ${patch} latents one patch`;
  const side = (latents: number): typeof cogVideoXFields.width =>
    sideField(scaleFactor * patch, latents * scaleFactor, reason);
  const { numFrames, maxSequenceLength } = cogVideoXFields;
  return {
    ...cogVideoXFields,
    width: side(size('sample_width', 90)),
    height: side(size('sample_height', 60)),
    numFrames: { ...numFrames, default: size('sample_frames', numFrames.default) },
    maxSequenceLength: { ...maxSequenceLength, default: size('max_text_seq_length', maxSequenceLength.default) },
  };
}

/** The options of a `CogVideoXPipeline`'s runs. */
export type CogVideoXOptions = OptionsOf<typeof cogVideoXFields>;

/** The same, checked, with defaults. */
export type CogVideoXValues = FieldValues<typeof cogVideoXFields>;

declare module '../run/GenerateOptions.js' {
  interface GenerateOptions<O extends OutputType = OutputType> extends OptionsOf<typeof ownFields> {}
}
