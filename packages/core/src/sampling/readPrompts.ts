import { checkInteger } from '../fields/checkNumber.js';
import { checkMembers } from '../fields/checkMembers.js';
import type { Tensor } from 'onnxruntime-common';
import { refuseOption } from '../fields/refuseOption.js';
import type { Prompt } from '../run/GenerateOptions.js';

/** What a run is asked to show, and what not. */
export interface PromptOptions {
  readonly negativePrompt: string | readonly string[] | undefined;
  readonly promptEmbeds: Tensor | undefined;
  readonly negativePromptEmbeds: Tensor | undefined;
}

/** The texts of a run. */
export interface Prompts {
  /** Empty where embeddings are given. */
  readonly prompts: readonly string[];
  /** As many as prompts. */
  readonly negativePrompts: readonly string[];
  /** How many pictures or videos the run makes. */
  readonly count: number;
}

/** Checks the texts of a run, and counts its results: `perPrompt` of each prompt. @throws ERR_ARGUMENT_INVALID */
export function readPrompts(prompt: Prompt | undefined, options: PromptOptions, perPrompt = 1): Prompts {
  checkMembers('options', options, 'the options of a run', []);
  checkInteger('perPrompt', perPrompt, 1);
  const { negativePrompt, promptEmbeds, negativePromptEmbeds } = options;
  const dims = promptEmbeds?.dims;
  if (dims !== undefined && negativePromptEmbeds !== undefined && negativePromptEmbeds.dims.join() !== dims.join())
    refuseOption('negativePromptEmbeds', negativePromptEmbeds.dims, `the shape of promptEmbeds, [${dims.join(', ')}]`);
  const prompts = textsOf(prompt, promptEmbeds);
  const promptCount = promptEmbeds?.dims[0] ?? prompts.length;
  const negativePrompts = oneEach('negativePrompt', negativePrompt, promptCount);
  return { prompts, negativePrompts, count: promptCount * perPrompt };
}

/** With embeddings there is no text: an empty prompt counts as none. */
function textsOf(prompt: Prompt | undefined, embeds: Tensor | undefined): readonly string[] {
  if (embeds !== undefined) {
    if (prompt === undefined || prompt === '') return [];
    return refuseOption(
      'promptEmbeds',
      'a tensor',
      "a prompt or promptEmbeds, not both: generate('', { promptEmbeds })",
    );
  }
  const prompts = typeof prompt === 'string' ? [prompt] : prompt;
  const valid = Array.isArray(prompts) && prompts.length > 0 && prompts.every((text) => typeof text === 'string');
  if (valid && prompts.some((text) => text.includes('\0')))
    return refuseOption('prompt', prompt, 'a text without the character NUL, which no file can hold as text');
  return valid ? prompts : refuseOption('prompt', prompt, 'a text, or a list of at least one text');
}

/** One text for each of `count` prompts. @throws ERR_ARGUMENT_INVALID for a list of another length */
export function oneEach(name: string, texts: string | readonly string[] | undefined, count: number): readonly string[] {
  if (typeof texts !== 'object') return Array.from({ length: count }, () => texts ?? '');
  if (texts.length === count) return texts;
  return refuseOption(name, texts, `a text, or a list of ${count} texts, one per prompt`);
}
