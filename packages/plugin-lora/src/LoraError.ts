import { defineErrors, type DefinedErrors, ERROR_REFERENCE } from '@thimble/core/plugin';

const DEFINITIONS = {
  ERR_LORA_FILE: {
    summary: 'A file holds no LoRA, or one that is not complete.',
    message: (d: { file: string; problem: string }): string => `"${d.file}" cannot be used as a LoRA: ${d.problem}.`,
  },
  ERR_LORA_NOT_APPLIED: {
    summary: 'No layer of the model is one that a LoRA changes.',
    message: (d: { file: string; family: string; model: string; examples: readonly string[] }): string =>
      `"${d.file}" changes nothing here: it was made for ${d.family}, and none of its layers (${d.examples.join(', ')}, …) is in ${d.model}. Use it with a model of that family.`,
  },
  ERR_LORA_SHAPE: {
    summary: 'A LoRA changes layers that have other shapes in the model.',
    message: (d: { file: string; family: string; model: string; layers: readonly string[] }): string =>
      `"${d.file}" was made for ${d.family}: layers of it have other shapes in ${d.model} (${d.layers.join('; ')}). Use it with a model of that family.`,
  },
  ERR_LORA_TRACED: {
    summary: 'A LoRA would change a component that runs a trace, which knows nothing of it.',
    message: (d: { component: string }): string =>
      `${d.component} runs a trace, which a LoRA cannot change; put the component itself back, and use TracingPlugin, which traces what the LoRA makes of it.`,
  },
} as const;

/** Failures of LoRA files. */
export const LoraError: DefinedErrors<typeof DEFINITIONS> = defineErrors('thimble:lora', DEFINITIONS, {
  docs: ERROR_REFERENCE,
});
