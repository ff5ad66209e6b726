import type { Tensor } from 'onnxruntime-common';
import { ThimbleError } from '../errors.js';
import type { Prompt } from './DiffusionPipeline.js';
import type { GenerateOptions, OutputType } from './GenerateOptions.js';

/** The options that a `StableDiffusionPipeline` takes. */
export const STABLE_DIFFUSION_OPTIONS: readonly (keyof GenerateOptions)[] = [
  'width', 'height', 'numInferenceSteps', 'timesteps', 'sigmas', 'guidanceScale', 'guidanceRescale', 'negativePrompt', 'numImagesPerPrompt',
  'eta', 'seed', 'generator', 'latents', 'promptEmbeds', 'negativePromptEmbeds', 'clipSkip', 'outputType', 'previews', 'signal',
];

const OUTPUT_TYPES: readonly OutputType[] = ['image', 'tensor', 'latent'];

/** Checked options of a run, with defaults. */
export interface StableDiffusionOptions {
  readonly prompts: readonly string[];
  readonly negativePrompts: readonly string[];
  readonly promptEmbeds: Tensor | undefined;
  readonly negativePromptEmbeds: Tensor | undefined;
  readonly width: number;
  readonly height: number;
  /** Undefined where own timesteps or sigmas say how many. */
  readonly numInferenceSteps: number | undefined;
  readonly timesteps: readonly number[] | undefined;
  readonly sigmas: readonly number[] | undefined;
  readonly guidanceScale: number;
  readonly guidanceRescale: number;
  readonly numImagesPerPrompt: number;
  readonly eta: number;
  readonly clipSkip: number;
  readonly outputType: OutputType;
  /** Images of the run. */
  readonly count: number;
}

/** Sizes of the model that defaults and checks go by. */
export interface ModelSizes {
  /** Height and width of the latents that the UNet was trained for. */
  readonly sampleSize: number;
  readonly scaleFactor: number;
}

/** Checks the options of a run and fills in defaults. @throws ERR_ARGUMENT_INVALID naming the option, its value and what is expected */
export function resolveOptions(prompt: Prompt, options: GenerateOptions, { sampleSize, scaleFactor }: ModelSizes): StableDiffusionOptions {
  const { promptEmbeds, negativePromptEmbeds, timesteps, sigmas } = options;
  const prompts = readPrompts(prompt, promptEmbeds);
  const promptCount = promptEmbeds?.dims[0] ?? prompts.length;
  if (negativePromptEmbeds !== undefined && options.negativePrompt !== undefined) invalid('negativePromptEmbeds', 'a tensor', 'negativePrompt or negativePromptEmbeds, not both');
  const size = (argument: 'width' | 'height'): number =>
    check(argument, options[argument] ?? sampleSize * scaleFactor, (x) => Number.isSafeInteger(x) && x > 0 && x % scaleFactor === 0, `a positive multiple of ${scaleFactor}`);
  const numImagesPerPrompt = check('numImagesPerPrompt', options.numImagesPerPrompt ?? 1, isPositive, 'a positive whole number');
  checkEmbeds('promptEmbeds', promptEmbeds);
  checkEmbeds('negativePromptEmbeds', negativePromptEmbeds);
  if (timesteps !== undefined && sigmas !== undefined) invalid('sigmas', sigmas, 'timesteps or sigmas, not both');
  const count = promptCount * numImagesPerPrompt;
  checkSeed(options.seed, count);
  checkGenerator(options, count);
  return {
    prompts, promptEmbeds, negativePromptEmbeds, timesteps, sigmas, numImagesPerPrompt, count,
    negativePrompts: readNegativePrompts(options.negativePrompt, promptCount),
    width: size('width'),
    height: size('height'),
    numInferenceSteps: stepCount(options),
    guidanceScale: check('guidanceScale', options.guidanceScale ?? 7.5, Number.isFinite, 'a finite number'),
    guidanceRescale: check('guidanceRescale', options.guidanceRescale ?? 0, (x) => x >= 0 && x <= 1, 'a number from 0 to 1'),
    eta: check('eta', options.eta ?? 0, (x) => x >= 0 && x <= 1, 'a number from 0 to 1'),
    clipSkip: check('clipSkip', options.clipSkip ?? 0, (x) => Number.isSafeInteger(x) && x >= 0, 'a whole number from 0'),
    outputType: check('outputType', options.outputType ?? 'image', (x) => OUTPUT_TYPES.includes(x), `one of ${OUTPUT_TYPES.join(', ')}`),
  };
}

/** With embeddings there is no text: an empty prompt is taken for none. */
function readPrompts(prompt: Prompt | undefined, embeds: Tensor | undefined): readonly string[] {
  if (embeds !== undefined) {
    if (prompt === undefined || prompt === '') return [];
    return invalid('promptEmbeds', 'a tensor', "a prompt or promptEmbeds, not both: generate('', { promptEmbeds })");
  }
  const prompts = typeof prompt === 'string' ? [prompt] : prompt;
  const valid = Array.isArray(prompts) && prompts.length > 0 && prompts.every((text) => typeof text === 'string');
  return valid ? prompts : invalid('prompt', prompt, 'a text, or a list of at least one text');
}

function readNegativePrompts(negative: GenerateOptions['negativePrompt'], count: number): readonly string[] {
  if (negative === undefined || typeof negative === 'string') return Array.from({ length: count }, () => negative ?? '');
  const valid = Array.isArray(negative) && negative.length === count && negative.every((text) => typeof text === 'string');
  return valid ? negative : invalid('negativePrompt', negative, `a text, or a list of ${count} texts, one per prompt`);
}

function checkEmbeds(argument: string, embeds: Tensor | undefined): void {
  if (embeds === undefined || (embeds.type === 'float32' && embeds.dims.length === 3)) return;
  invalid(argument, `${embeds.type} [${embeds.dims.join(', ')}]`, 'float32 [prompts, tokens, width]');
}

function checkSeed(seed: GenerateOptions['seed'], count: number): void {
  const isSeed = (value: unknown): boolean => Number.isSafeInteger(value);
  if (seed === undefined || isSeed(seed)) return;
  if (!Array.isArray(seed) || seed.length !== count || !seed.every(isSeed)) invalid('seed', seed, `a whole number, or a list of ${count}, one per image`);
}

function checkGenerator({ generator, seed }: GenerateOptions, count: number): void {
  if (generator === undefined) return;
  if (seed !== undefined) invalid('generator', 'a generator', 'a seed or a generator, not both');
  const isGenerator = (value: unknown): boolean => typeof (value as { readonly randn?: unknown } | null)?.randn === 'function';
  const valid = Array.isArray(generator) ? generator.length === count && generator.every(isGenerator) : isGenerator(generator);
  if (!valid) invalid('generator', generator, `an object with randn(dims), such as new TorchGenerator(42), or a list of ${count}, one per image`);
}

/** Own timesteps or sigmas bring their number with them. */
function stepCount({ numInferenceSteps, timesteps, sigmas }: GenerateOptions): number | undefined {
  const own = timesteps !== undefined || sigmas !== undefined;
  if (own && numInferenceSteps === undefined) return undefined;
  return check('numInferenceSteps', numInferenceSteps ?? 50, isPositive, 'a positive whole number');
}

function isPositive(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function check<T>(argument: string, value: T, valid: (value: T) => boolean, expected: string): T {
  return valid(value) ? value : invalid(argument, value, expected);
}

function invalid(argument: string, value: unknown, expected: string): never {
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected });
}
