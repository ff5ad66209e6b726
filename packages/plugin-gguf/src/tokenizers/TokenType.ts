/** `tokenizer.ggml.token_type` (llama.cpp, `llama_token_type`). */
export const TokenType = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;

/** Such tokens were added to a vocabulary; text encoders recognise them in prompts as a whole. */
export function isAdded(type: unknown): boolean {
  return type === TokenType.control || type === TokenType.userDefined;
}
