import { defineErrors, type DefinedErrors, ERROR_REFERENCE } from '@thimble/core/plugin';

const DEFINITIONS = {
  ERR_GGUF_HEADER: {
    summary: 'A file is not a well-formed GGUF file.',
    message: (d: { file: string; problem: string }): string =>
      `"${d.file}" is not a valid GGUF file: ${d.problem}. It may be damaged or cut off: download it again.`,
  },
  ERR_GGUF_TENSOR: {
    summary: 'A GGUF file describes one of its tensors wrongly.',
    message: (d: { file: string; tensor: string; problem: string }): string =>
      `Tensor "${d.tensor}" in "${d.file}": ${d.problem}. The file may be damaged or cut off: download it again.`,
  },
} as const;

/** Failures of GGUF files. */
export const GgufError: DefinedErrors<typeof DEFINITIONS> = defineErrors('thimble:gguf', DEFINITIONS, {
  docs: ERROR_REFERENCE,
});
