import { refuseOption } from '@thimble/core/plugin';
import { PromptError } from './PromptError.js';

/** A LoRA that a prompt asks for. */
export interface PromptLora {
  /** The name of its file, without the ending. */
  readonly name: string;
  /** How much of it is added to the weights; 1 where the prompt says nothing. */
  readonly scale: number;
}

/** A prompt without its tags, and what they ask for. */
export interface TaggedPrompt {
  readonly prompt: string;
  readonly loras: readonly PromptLora[];
}

/** `lyco` is what an extension of AUTOMATIC1111 called the same. */
const TAG = /<(?:lora|lyco):(?<name>[^:>]+)(?::(?<scale>[^>]*))?>/gu;

/**
 * Takes AUTOMATIC1111's tags for LoRAs out of a prompt: `<lora:name:0.8>`, `<lora:name>`.
 *
 * @throws PromptError ERR_PROMPT_LORA_TAG for a scale that is no number; ERR_ARGUMENT_INVALID for what is no text
 */
export function parseLoraTags(prompt: string): TaggedPrompt {
  if (typeof prompt !== 'string') refuseOption('prompt', prompt, 'a text');
  const loras = Array.from(prompt.matchAll(TAG), ({ 0: tag, groups = {} }) => ({
    name: (groups['name'] as string).trim(),
    scale: scaleOf(tag, groups['scale']),
  }));
  return { prompt: prompt.replaceAll(TAG, ''), loras };
}

function scaleOf(tag: string, text: string | undefined): number {
  if (text === undefined) return 1;
  const scale = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(scale)) throw new PromptError('ERR_PROMPT_LORA_TAG', { tag });
  return scale;
}
