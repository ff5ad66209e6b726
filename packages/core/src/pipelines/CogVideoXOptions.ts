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
} from '../sampling/runOptions.js';

/** The options that a `CogVideoXPipeline` takes. */
export const COGVIDEOX_OPTIONS: readonly (keyof GenerateOptions)[] = [
  'width',
  'height',
  'numFrames',
  'numInferenceSteps',
  'timesteps',
  'guidanceScale',
  'useDynamicCfg',
  'negativePrompt',
  'eta',
  'seed',
  'generator',
  'latents',
  'promptEmbeds',
  'negativePromptEmbeds',
  'maxSequenceLength',
  'outputType',
  'signal',
];

/** Checked options of a run, with defaults. */
export interface CogVideoXOptions {
  readonly prompts: readonly string[];
  readonly negativePrompts: readonly string[];
  readonly promptEmbeds: Tensor | undefined;
  readonly negativePromptEmbeds: Tensor | undefined;
  readonly width: number;
  readonly height: number;
  readonly numFrames: number;
  readonly numInferenceSteps: number;
  readonly timesteps: readonly number[] | undefined;
  /** One for all steps, or one for each. */
  readonly guidanceScale: number | readonly number[];
  readonly useDynamicCfg: boolean;
  readonly eta: number;
  readonly maxSequenceLength: number;
  readonly outputType: OutputType;
  /** Videos of the run. */
  readonly count: number;
}

/** Sizes of the model that defaults and checks go by. */
export interface VideoSizes {
  /** Latents that the transformer was trained for. */
  readonly sampleHeight: number;
  readonly sampleWidth: number;
  readonly sampleFrames: number;
  readonly maxTextLength: number;
  /** Pixels of a latent on each side. */
  readonly scaleFactor: number;
  /** Latents of a patch on each side. */
  readonly patchSize: number;
}

/** Checks the options of a run and fills in defaults. @throws ERR_ARGUMENT_INVALID naming the option, its value and what is expected */
export function resolveCogVideoXOptions(prompt: Prompt, options: GenerateOptions, sizes: VideoSizes): CogVideoXOptions {
  const { promptEmbeds, negativePromptEmbeds, timesteps } = options;
  const prompts = readPrompts(prompt, promptEmbeds);
  const count = promptEmbeds?.dims[0] ?? prompts.length;
  if (negativePromptEmbeds !== undefined && options.negativePrompt !== undefined)
    invalidOption('negativePromptEmbeds', 'a tensor', 'negativePrompt or negativePromptEmbeds, not both');
  const step = sizes.scaleFactor * sizes.patchSize;
  const size = (argument: 'width' | 'height', latents: number): number =>
    checkOption(
      argument,
      options[argument] ?? latents * sizes.scaleFactor,
      (x) => isPositive(x) && x % step === 0,
      `a positive multiple of ${step}: ${sizes.scaleFactor} pixels are one latent, ${sizes.patchSize} latents one patch`,
    );
  checkEmbeds('promptEmbeds', promptEmbeds);
  checkEmbeds('negativePromptEmbeds', negativePromptEmbeds);
  checkSeed(options.seed, count);
  checkGenerator(options, count);
  const numInferenceSteps = checkOption(
    'numInferenceSteps',
    options.numInferenceSteps ?? timesteps?.length ?? 50,
    isPositive,
    'a positive whole number',
  );
  return {
    prompts,
    promptEmbeds,
    negativePromptEmbeds,
    timesteps,
    count,
    numInferenceSteps,
    negativePrompts: readNegativePrompts(options.negativePrompt, count),
    width: size('width', sizes.sampleWidth),
    height: size('height', sizes.sampleHeight),
    numFrames: checkOption('numFrames', options.numFrames ?? sizes.sampleFrames, isPositive, 'a positive whole number'),
    guidanceScale: checkGuidance(options.guidanceScale ?? 6),
    useDynamicCfg: checkOption(
      'useDynamicCfg',
      options.useDynamicCfg ?? false,
      (x) => typeof x === 'boolean',
      'true or false',
    ),
    eta: checkOption('eta', options.eta ?? 0, (x) => x >= 0 && x <= 1, 'a number from 0 to 1'),
    maxSequenceLength: checkOption(
      'maxSequenceLength',
      options.maxSequenceLength ?? sizes.maxTextLength,
      isPositive,
      'a positive whole number',
    ),
    outputType: checkOption(
      'outputType',
      options.outputType ?? 'image',
      (x) => OUTPUT_TYPES.includes(x),
      `one of ${OUTPUT_TYPES.join(', ')}`,
    ),
  };
}

function checkGuidance(scale: number | readonly number[]): number | readonly number[] {
  const valid = Array.isArray(scale) ? scale.every((each) => Number.isFinite(each)) : Number.isFinite(scale);
  return valid ? scale : invalidOption('guidanceScale', scale, 'a finite number, or a list with one for each step');
}

/** @throws ERR_ARGUMENT_INVALID unless a list of guidance scales has one for each of `steps` calls of the model */
export function checkGuidanceList({ guidanceScale: scale }: CogVideoXOptions, steps: number): void {
  if (typeof scale === 'number' || scale.length === steps) return;
  invalidOption('guidanceScale', scale, `a finite number, or a list of ${steps}, one for each step`);
}
