import { defineErrors, type DefinedErrors, ERROR_REFERENCE } from '@thimble/core/plugin';

const DEFINITIONS = {
  ERR_PROMPT_LORA_TAG: {
    summary: 'A tag in a prompt is not as tags for LoRAs are.',
    message: (d: { tag: string }): string =>
      `the prompt has the tag ${d.tag}; expected <lora:NAME> or <lora:NAME:SCALE>, with a number as scale.`,
  },
  ERR_PROMPT_LORA: {
    summary: 'A prompt asks for a LoRA, and no plugin applies it.',
    message: (d: { names: readonly string[] }): string =>
      `the prompt asks for ${d.names.join(', ')} by <lora:…>, and no plugin of this pipeline takes LoRAs from prompts: name their folder by --lora-dir on the command line, give the files to LoraPlugin of @thimble/plugin-lora, or leave the tags out.`,
  },
  ERR_PROMPT_LORA_DIFFERENT: {
    summary: 'The prompts of one run ask for different LoRAs.',
    message: (d: { first: string; other: string }): string =>
      `the prompts of a run are computed together and have the same LoRAs; one asks for ${d.first}, another one for ${d.other}. Run them one after the other.`,
  },
} as const;

/** Failures of what is written in prompts. */
export const PromptError: DefinedErrors<typeof DEFINITIONS> = defineErrors('thimble:prompt-weights', DEFINITIONS, {
  docs: ERROR_REFERENCE,
});
