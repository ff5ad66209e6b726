import type { Tensor } from 'onnxruntime-common';
import type { Warn } from './starts/loadPictures.js';

/** The options that may say what should not be shown. */
interface NegativeOptions {
  readonly negativePrompt: string | readonly string[] | undefined;
  readonly negativePromptEmbeds: Tensor | undefined;
  readonly guidanceScale: number;
}

/** Tells of a negative prompt in a run without guidance, by its reason where that is another one; diffusers passes over it in silence. */
export function warnOfNegative(
  { negativePrompt, negativePromptEmbeds, guidanceScale }: NegativeOptions,
  warn: Warn,
  reason?: string,
): void {
  const texts = [negativePrompt ?? ''].flat();
  if (negativePromptEmbeds === undefined && texts.every((text) => text === '')) return;
  const why =
    guidanceScale > 1
      ? 'the model takes the guidance scale as a condition'
      : `at guidance ${guidanceScale} the model is asked with the prompt alone`;
  warn('WARN_NEGATIVE_UNUSED', `The negative prompt has no effect: ${reason ?? why}.`);
}
