import { ThimbleError } from '../errors.js';
import type { Field, Fields, FieldValues } from '../fields/Field.js';
import type { Prompt } from './GenerateOptions.js';

/** The most that there may be of something: a whole number from `least` on, or Infinity. */
function mostField(value: number, least = 1): Field<number> {
  return {
    default: value,
    type: 'number',
    expected: `a whole number from ${least} on, or Infinity`,
    accepts: (x) => x === Infinity || (Number.isSafeInteger(x) && Number(x) >= least),
    schema: { type: 'integer', minimum: least },
  };
}

/** What a pipeline refuses at once, so that no request takes a service down. Options of `fromPretrained`. */
export const limitFields = {
  /** Pixels of a run: width × height × pictures, or frames of videos. Default 2^27: two pictures of 8192×8192, or 96 frames of 1360×768. */
  maxPixels: mostField(2 ** 27),
  /** Prompts of a run. Default 64. */
  maxPrompts: mostField(64),
  /** Characters of a prompt, or of a negative prompt. Default 20000; models look at some hundreds, plugins at more. */
  maxPromptLength: mostField(20_000),
  /** Runs that wait for their turn. Default 1000. */
  maxQueue: mostField(1000, 0),
  /** Milliseconds for which the reader of a stream may leave the next event unread while other runs wait; after that its run is ended. Default 60000. */
  readerTimeout: mostField(60_000),
};

/** The same, checked, with defaults. */
export type RunLimits = FieldValues<typeof limitFields>;

/** Options of a run that say how large it is; undefined where a pipeline does not have them. */
interface RunSize {
  readonly width?: number;
  readonly height?: number;
  readonly numFrames?: number;
  readonly numImagesPerPrompt?: number;
  readonly negativePrompt?: string | readonly string[] | undefined;
  readonly prompt2?: string | readonly string[] | undefined;
  readonly negativePrompt2?: string | readonly string[] | undefined;
  readonly promptEmbeds?: { readonly dims: readonly number[] } | undefined;
}

/** What of a run may be too much. */
interface Quantity {
  readonly argument: string;
  readonly value: number | string;
  readonly limit: keyof RunLimits;
  readonly largest: number | string;
}

/** Refuses a run that is larger than a pipeline with these fields allows. @throws ERR_REQUEST_TOO_LARGE naming what would be the largest */
export function checkRunSize(prompt: Prompt, options: object, limits: RunLimits, { width }: Fields): void {
  const excess = excessOf(prompt, options, limits, Number(width?.schema?.['multipleOf'] ?? 1));
  if (excess !== undefined) throw new ThimbleError('ERR_REQUEST_TOO_LARGE', { ...excess, most: limits[excess.limit] });
}

function excessOf(prompt: Prompt, options: RunSize, limits: RunLimits, step: number): Quantity | undefined {
  const { promptEmbeds } = options;
  const { maxPrompts, maxPromptLength } = limits;
  const prompts = Math.max(Array.isArray(prompt) ? prompt.length : 1, promptEmbeds?.dims[0] ?? 1);
  if (prompts > maxPrompts)
    return { argument: 'prompt', value: `${prompts} prompts`, limit: 'maxPrompts', largest: maxPrompts };
  for (const [argument, texts] of [
    ['prompt', prompt],
    ...(['negativePrompt', 'prompt2', 'negativePrompt2'] as const).map((name) => [name, options[name] ?? ''] as const),
  ] as const) {
    const length = Math.max(0, ...[texts].flat().map((text) => (typeof text === 'string' ? text.length : 0)));
    if (length > maxPromptLength)
      return { argument, value: `${length} characters`, limit: 'maxPromptLength', largest: maxPromptLength };
  }
  return tooManyPixels(options, prompts, limits.maxPixels, step);
}

function tooManyPixels(
  { width = 1, height = 1, numFrames = 1, numImagesPerPrompt = 1 }: RunSize,
  prompts: number,
  most: number,
  step: number,
): Quantity | undefined {
  const parts = numFrames * numImagesPerPrompt * prompts;
  if (width * height * parts <= most) return undefined;
  const limit = 'maxPixels';
  // A picture too many, or a side too long: what is more than its share is named.
  if (width * height <= most / prompts && numImagesPerPrompt > 1)
    return {
      argument: 'numImagesPerPrompt',
      value: numImagesPerPrompt,
      limit,
      largest: Math.max(1, Math.floor(most / (width * height * numFrames * prompts))),
    };
  if (width * height <= most / prompts && numFrames > 1)
    return {
      argument: 'numFrames',
      value: numFrames,
      limit,
      largest: Math.max(1, Math.floor(most / (width * height * prompts))),
    };
  const scale = Math.sqrt(most / (width * height * parts));
  const side = (length: number, room = Infinity): number =>
    Math.max(step, Math.floor(Math.min(length * scale, room) / step) * step);
  const [short, long] = [side(Math.min(width, height)), Math.max(width, height)];
  const other = side(long, most / (short * parts));
  return {
    argument: 'width × height',
    value: `${width}×${height}`,
    limit,
    largest: width > height ? `${other}×${short}` : `${short}×${other}`,
  };
}
