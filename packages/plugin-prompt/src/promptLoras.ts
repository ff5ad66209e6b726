import { createToken, type RunContext, type Token } from '@thimble/core/plugin';
import { PromptError } from './PromptError.js';
import { parseLoraTags, type PromptLora } from './parseLoraTags.js';

/** Applies LoRAs that prompts ask for. A plugin for LoRAs provides one: `ctx.provide(PROMPT_LORAS, …)`. */
export interface PromptLoras {
  /**
   * Called before anything of a run is computed, with what its prompts ask for; with an empty list where they ask for nothing, so that what an earlier run asked for goes.
   *
   * @throws for a name that it does not know
   */
  readonly use: (loras: readonly PromptLora[], run: RunContext) => void | Promise<void>;
}

/** Who applies the LoRAs that prompts ask for. */
export const PROMPT_LORAS: Token<PromptLoras> = createToken('thimble:prompt-loras');

/** What the prompts of a run ask for. @throws PromptError ERR_PROMPT_LORA_DIFFERENT where it is not the same for all */
export function lorasOf(prompts: readonly string[]): readonly PromptLora[] {
  const [first = [], ...others] = prompts.map((prompt) => parseLoraTags(prompt).loras);
  const different = others.find((loras) => namesOf(loras) !== namesOf(first));
  if (different !== undefined)
    throw new PromptError('ERR_PROMPT_LORA_DIFFERENT', { first: namesOf(first), other: namesOf(different) });
  return first;
}

function namesOf(loras: readonly PromptLora[]): string {
  return loras.map(({ name, scale }) => `${name} at ${scale}`).join(', ') || 'none';
}
