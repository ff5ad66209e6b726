import { defineErrors, type DefinedErrors, ERROR_REFERENCE } from '@thimble/core/plugin';

const DEFINITIONS = {
  ERR_EMBEDDING_FILE: {
    summary: 'A file does not hold a textual inversion, or not as any layout of one that is known.',
    message: (d: { file: string; problem: string }): string =>
      `"${d.file}" is no textual inversion: ${d.problem}. Known are diffusers' files (one tensor, called as the token), AUTOMATIC1111's (emb_params) and those of SDXL (clip_l, clip_g), as safetensors.`,
  },
  ERR_EMBEDDING_TOKEN: {
    summary: 'The token of a textual inversion is one that a tokenizer has already.',
    message: (d: { file: string; token: string; tokenizer: string }): string =>
      `The token "${d.token}" of "${d.file}" is in the vocabulary of ${d.tokenizer} already, or another inversion has it. Give it another one: { file, token }, on the command line FILE=TOKEN.`,
  },
  ERR_EMBEDDING_ENCODER: {
    summary: 'A pipeline has no text encoder that can learn a word: those of CLIP can.',
    message: (d: { file: string; available: readonly string[] }): string =>
      `"${d.file}" cannot be used here: no text encoder of CLIP's is among the components, ${d.available.join(', ')}.`,
  },
  ERR_EMBEDDING_WIDTH: {
    summary: 'A textual inversion was made for another text encoder than the pipeline has.',
    message: (d: { file: string; component: string; got: number | undefined; expected: number }): string =>
      `"${d.file}" does not fit ${d.component}, whose tokens have ${d.expected} numbers each: ${d.got === undefined ? 'it has none for it' : `it has ${d.got}`}. Take one that was made for this family of models.`,
  },
} as const;

/** Failures of textual inversions. */
export const TextualInversionError: DefinedErrors<typeof DEFINITIONS> = defineErrors(
  'thimble:textual-inversion',
  DEFINITIONS,
  {
    docs: ERROR_REFERENCE,
  },
);
