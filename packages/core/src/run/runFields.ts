import { booleanField, choiceField, described, type Field, integerField, numberField } from '../fields/Field.js';
import { checkInteger } from '../fields/checkNumber.js';
import { objectField, signalField, tensorField } from '../fields/objectField.js';
import { eitherField, listField, optional, textField } from '../fields/optionFields.js';
import type { Generator } from '../random/Generator.js';

/** What a run can return. */
export const OUTPUT_TYPES = ['image', 'tensor', 'latent'] as const;

const numbers = optional(listField(numberField(0), 'a list of numbers'));
const seed: Field<number | bigint> = {
  default: 0,
  type: 'number | bigint',
  expected: 'an integer from -2^63 to 2^64 - 1; beyond 2^53 a bigint',
  accepts: (x) => Number.isSafeInteger(x) || (typeof x === 'bigint' && x >= -(2n ** 63n) && x < 2n ** 64n),
  schema: { type: 'integer' },
  parse: (text) => (/^[+-]?\d{1,20}$/.test(text.trim()) ? wholeNumber(text.trim()) : NaN),
};
const generator = objectField<Generator>(
  'Generator',
  'an object with randn(dims), such as new TorchGenerator(42)',
  (value) => typeof (value as { readonly randn?: unknown } | null)?.randn === 'function',
) as Field<Generator>;

/** One side of a picture: whole steps of pixels, and what the model was trained with. */
export function sideField(step: number, size: number, reason = ''): Field<number> {
  checkInteger('step', step, 1);
  const side = integerField(size, 1);
  return {
    ...side,
    expected: `a positive multiple of ${step}${reason}`,
    accepts: (value) => side.accepts(value) && (value as number) % step === 0,
    advice: (value) => nearestSides(value, step),
    schema: { ...side.schema, multipleOf: step },
    description: 'pixels',
  };
}

/** The options that pipelines have in common. Each pipeline's table takes them, or fields of its own under these names. */
export const runFields = {
  /** A multiple of the VAE's scale factor (8 in Stable Diffusion). */
  width: described(sideField(8, 512), { defaultText: "the model's own" }),
  /** As the width. */
  height: described(sideField(8, 512), { defaultText: "the model's own" }),
  /** Steps of the scheduler: calls of the denoiser, but PNDM makes one more, and Heun and KDPM2 two a step but the last. Own timesteps or sigmas say how many they are. */
  numInferenceSteps: described(integerField(50, 1) as Field<number | undefined>, {
    description: 'more take longer, and show more detail',
    flag: '--steps <number>',
    impliedBy: ['timesteps', 'sigmas'],
  }),
  /** Timesteps in place of the scheduler's own, for schedulers that take them; falling. */
  timesteps: described(numbers, {
    description: 'the timesteps to visit, falling, in place of --steps',
    flag: '--timesteps <a,b,…>',
  }),
  /**
   * Weight of the prompt against the negative prompt; 1 or less means one pass without guidance, which takes half the time. For videos also a list
   * with one for each step.
   */
  guidanceScale: described(eitherField(numberField(7.5), listField(numberField(0), 'a list with one for each step')), {
    description: 'how closely to follow the prompt; 1 = freely, and twice as fast',
    flag: '--guidance <number>',
  }),
  /** What the picture should not be: one text for all, or one per prompt. */
  negativePrompt: described(
    optional(eitherField(textField(''), listField(textField(''), 'a list with one text per prompt'))),
    { description: 'what it should not show', flag: '--negative <text>' },
  ),
  /** DDIM's η: 0 takes no fresh noise, 1 as much as DDPM. */
  eta: described(numberField(0, 0, 1), { description: "DDIM's share of fresh noise, 0 to 1", flag: '--eta <number>' }),
  /**
   * An integer, or one per image; drawn at random by default. As torch's CPU generator with that seed, which looks at its low 32 bits alone: a bigint is told of
   * as the number that they are.
   */
  seed: described(optional(eitherField(seed, listField(seed, 'a list with one per image'))), {
    description: 'makes it repeatable; one for all, or a,b,c for each',
    flag: '--seed <number>',
    defaultText: 'random',
  }),
  /** Where noise is drawn from, in place of `seed`; a list has one for each image. A generator that is passed again goes on where it was. */
  generator: described(optional(eitherField(generator, listField(generator, 'a list with one per image'))), {
    conflicts: ['seed'],
  }),
  /** Unit noise to start from, float32 [n, c, h, w]; of videos [n, frames, c, h, w]. */
  latents: tensorField('n', 'c', 'h', 'w'),
  /** Text embeddings in place of the prompt, float32 [prompts, tokens, width]. */
  promptEmbeds: tensorField('prompts', 'tokens', 'width'),
  /** Text embeddings in place of the negative prompt, of the shape of `promptEmbeds`. */
  negativePromptEmbeds: described(tensorField('prompts', 'tokens', 'width'), { conflicts: ['negativePrompt'] }),
  /** Ends the run; it rejects with `signal.reason`. */
  signal: signalField(),
};

/** Noise levels in place of the scheduler's own, for schedulers that take them; falling. */
export const sigmasField = described(numbers, {
  description: 'the noise levels to visit, falling, in place of --steps',
  flag: '--sigmas <a,b,…>',
  conflicts: ['timesteps'],
});

/** What a run returns. */
export const outputTypeField = choiceField('image', OUTPUT_TYPES);

/** Small pictures after every step. */
export const previewsField = described(eitherField(booleanField(false), choiceField('rgb', ['rgb', 'tiny'])), {
  description: 'a small picture after every step',
});

/** The multiples on both sides of a number. */
function nearestSides(value: unknown, step: number): string {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0) return '';
  const [below, above] = [Math.floor(value / step) * step, Math.ceil(value / step) * step];
  return `, such as ${below === 0 ? above : `${below} or ${above}`}`;
}

function wholeNumber(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}
