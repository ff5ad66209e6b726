import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import type { GenerateOptions, OutputType, Prompt } from '../run/GenerateOptions.js';

/** All kinds of results. */
export const OUTPUT_TYPES: readonly OutputType[] = ['image', 'tensor', 'latent'];

/** The prompts of a run. With embeddings there is no text: an empty prompt is taken for none. @throws ERR_ARGUMENT_INVALID */
export function readPrompts(prompt: Prompt | undefined, embeds: Tensor | undefined): readonly string[] {
  if (embeds !== undefined) {
    if (prompt === undefined || prompt === '') return [];
    return invalidOption(
      'promptEmbeds',
      'a tensor',
      "a prompt or promptEmbeds, not both: generate('', { promptEmbeds })",
    );
  }
  const prompts = typeof prompt === 'string' ? [prompt] : prompt;
  const valid = Array.isArray(prompts) && prompts.length > 0 && prompts.every((text) => typeof text === 'string');
  return valid ? prompts : invalidOption('prompt', prompt, 'a text, or a list of at least one text');
}

/** The negative prompt of each of `count` prompts. @throws ERR_ARGUMENT_INVALID */
export function readNegativePrompts(negative: GenerateOptions['negativePrompt'], count: number): readonly string[] {
  if (negative === undefined || typeof negative === 'string')
    return Array.from({ length: count }, () => negative ?? '');
  const valid =
    Array.isArray(negative) && negative.length === count && negative.every((text) => typeof text === 'string');
  return valid
    ? negative
    : invalidOption('negativePrompt', negative, `a text, or a list of ${count} texts, one per prompt`);
}

/** @throws ERR_ARGUMENT_INVALID unless `embeds` are text embeddings, or undefined */
export function checkEmbeds(argument: string, embeds: Tensor | undefined): void {
  if (embeds === undefined || (embeds.type === 'float32' && embeds.dims.length === 3)) return;
  invalidOption(argument, `${embeds.type} [${embeds.dims.join(', ')}]`, 'float32 [prompts, tokens, width]');
}

/** @throws ERR_ARGUMENT_INVALID unless `seed` is one for all, or one for each of `count` */
export function checkSeed(seed: GenerateOptions['seed'], count: number): void {
  const isSeed = (value: unknown): boolean => Number.isSafeInteger(value);
  if (seed === undefined || isSeed(seed)) return;
  if (!Array.isArray(seed) || seed.length !== count || !seed.every(isSeed))
    invalidOption('seed', seed, `a whole number, or a list of ${count}, one per image`);
}

/** @throws ERR_ARGUMENT_INVALID unless `generator` is one for all, or one for each of `count`, and no seed is given beside it */
export function checkGenerator({ generator, seed }: GenerateOptions, count: number): void {
  if (generator === undefined) return;
  if (seed !== undefined) invalidOption('generator', 'a generator', 'a seed or a generator, not both');
  const isGenerator = (value: unknown): boolean =>
    typeof (value as { readonly randn?: unknown } | null)?.randn === 'function';
  const valid = Array.isArray(generator)
    ? generator.length === count && generator.every(isGenerator)
    : isGenerator(generator);
  if (!valid)
    invalidOption(
      'generator',
      generator,
      `an object with randn(dims), such as new TorchGenerator(42), or a list of ${count}, one per image`,
    );
}

/** How many steps were asked for, 50 by default; `undefined` where own timesteps or sigmas bring their number with them. @throws ERR_ARGUMENT_INVALID */
export function stepCount({ numInferenceSteps, timesteps, sigmas }: GenerateOptions): number | undefined {
  const own = timesteps !== undefined || sigmas !== undefined;
  if (own && numInferenceSteps === undefined) return undefined;
  return checkOption('numInferenceSteps', numInferenceSteps ?? 50, isPositive, 'a positive whole number');
}

/** Whether it is a whole number above 0. */
export function isPositive(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

/** `value`, if it is `valid`. @throws ERR_ARGUMENT_INVALID naming the option and what is expected */
export function checkOption<T>(argument: string, value: T, valid: (value: T) => boolean, expected: string): T {
  return valid(value) ? value : invalidOption(argument, value, expected);
}

/** @throws ERR_ARGUMENT_INVALID */
export function invalidOption(argument: string, value: unknown, expected: string): never {
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected });
}
