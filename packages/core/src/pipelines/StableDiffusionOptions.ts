import type { Tensor } from 'onnxruntime-common';
import type { GenerateOptions, OutputType, Prompt } from '../run/GenerateOptions.js';
import {
  checkEmbeds,
  checkGenerator,
  checkOption,
  checkSeed,
  invalidOption,
  isPositive,
  OUTPUT_TYPES,
  readNegativePrompts,
  readPrompts,
  stepCount,
} from '../sampling/runOptions.js';

/** The options that a `StableDiffusionPipeline` takes. */
export const STABLE_DIFFUSION_OPTIONS: readonly (keyof GenerateOptions)[] = [
  'width',
  'height',
  'numInferenceSteps',
  'timesteps',
  'sigmas',
  'guidanceScale',
  'guidanceRescale',
  'negativePrompt',
  'numImagesPerPrompt',
  'eta',
  'seed',
  'generator',
  'latents',
  'promptEmbeds',
  'negativePromptEmbeds',
  'clipSkip',
  'outputType',
  'previews',
  'signal',
];

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
export function resolveOptions(
  prompt: Prompt,
  options: GenerateOptions,
  { sampleSize, scaleFactor }: ModelSizes,
): StableDiffusionOptions {
  const { promptEmbeds, negativePromptEmbeds, timesteps, sigmas } = options;
  const prompts = readPrompts(prompt, promptEmbeds);
  const promptCount = promptEmbeds?.dims[0] ?? prompts.length;
  if (negativePromptEmbeds !== undefined && options.negativePrompt !== undefined)
    invalidOption('negativePromptEmbeds', 'a tensor', 'negativePrompt or negativePromptEmbeds, not both');
  const size = (argument: 'width' | 'height'): number =>
    checkOption(
      argument,
      options[argument] ?? sampleSize * scaleFactor,
      (x) => Number.isSafeInteger(x) && x > 0 && x % scaleFactor === 0,
      `a positive multiple of ${scaleFactor}`,
    );
  const numImagesPerPrompt = checkOption(
    'numImagesPerPrompt',
    options.numImagesPerPrompt ?? 1,
    isPositive,
    'a positive whole number',
  );
  checkEmbeds('promptEmbeds', promptEmbeds);
  checkEmbeds('negativePromptEmbeds', negativePromptEmbeds);
  if (timesteps !== undefined && sigmas !== undefined) invalidOption('sigmas', sigmas, 'timesteps or sigmas, not both');
  const count = promptCount * numImagesPerPrompt;
  checkSeed(options.seed, count);
  checkGenerator(options, count);
  return {
    prompts,
    promptEmbeds,
    negativePromptEmbeds,
    timesteps,
    sigmas,
    numImagesPerPrompt,
    count,
    negativePrompts: readNegativePrompts(options.negativePrompt, promptCount),
    width: size('width'),
    height: size('height'),
    numInferenceSteps: stepCount(options),
    guidanceScale: checkGuidanceScale(options.guidanceScale ?? 7.5),
    guidanceRescale: checkOption(
      'guidanceRescale',
      options.guidanceRescale ?? 0,
      (x) => x >= 0 && x <= 1,
      'a number from 0 to 1',
    ),
    eta: checkOption('eta', options.eta ?? 0, (x) => x >= 0 && x <= 1, 'a number from 0 to 1'),
    clipSkip: checkOption(
      'clipSkip',
      options.clipSkip ?? 0,
      (x) => Number.isSafeInteger(x) && x >= 0,
      'a whole number from 0',
    ),
    outputType: checkOption(
      'outputType',
      options.outputType ?? 'image',
      (x) => OUTPUT_TYPES.includes(x),
      `one of ${OUTPUT_TYPES.join(', ')}`,
    ),
  };
}

function checkGuidanceScale(value: NonNullable<GenerateOptions['guidanceScale']>): number {
  return typeof value === 'number' && Number.isFinite(value)
    ? value
    : invalidOption('guidanceScale', value, 'a finite number');
}
