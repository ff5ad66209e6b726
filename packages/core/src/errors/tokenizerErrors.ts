import type { ErrorDefinitions } from './ErrorDefinition.js';
import { describeValue } from './describeValue.js';

/** Failures of tokenizers. */
export const tokenizerErrors = {
  ERR_TOKENIZER_UNSUPPORTED: {
    summary: 'A checkpoint has a tokenizer of a kind that thimble does not have.',
    message: (d: { folder: string; tokenizer: unknown; supported: readonly string[] }): string =>
      `"${d.folder}" holds a tokenizer of the class ${describeValue(d.tokenizer)}, which is not supported; supported: ${d.supported.join(', ')}.`,
  },
  ERR_TOKENIZER_FILE: {
    summary: 'A file of a tokenizer does not hold what the tokenizer needs.',
    message: (d: { file: string; problem: string }): string =>
      `the tokenizer file "${d.file}" cannot be used: ${d.problem}. It may be damaged or of another model: download it again.`,
  },
  ERR_TOKENIZER_MISMATCH: {
    summary: 'A tokenizer gives tokens that its text encoder does not have.',
    message: (d: { component: string; folder: string; token: number; vocabulary: number }): string =>
      `the tokenizer of ${d.component} gives the token ${d.token}, but "${d.folder}" has ${d.vocabulary} of them: it is the tokenizer of another model. Take the one that was published with this text encoder.`,
  },
} as const satisfies ErrorDefinitions;
