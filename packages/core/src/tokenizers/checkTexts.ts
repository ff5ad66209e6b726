import { ThimbleError } from '../errors.js';

/** The prompts as a list. @throws `ERR_ARGUMENT_INVALID` for what is neither a text nor a list of texts */
export function listPrompts(prompts: string | readonly string[]): readonly string[] {
  const list: unknown = typeof prompts === 'string' ? [prompts] : prompts;
  if (Array.isArray(list) && list.every((prompt) => typeof prompt === 'string')) return list;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'prompts',
    value: prompts,
    expected: 'a string or a list of strings',
  });
}

/** The prompt itself. @throws `ERR_ARGUMENT_INVALID` for what is no text */
export function checkPrompt(prompt: string): string {
  if (typeof prompt === 'string') return prompt;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'prompt', value: prompt, expected: 'a string' });
}

/** The length itself. @throws `ERR_ARGUMENT_INVALID` for one below `shortest`; `reason` ends the sentence */
export function checkLength(maxLength: number, shortest: number, reason = ''): number {
  if (Number.isSafeInteger(maxLength) && maxLength >= shortest) return maxLength;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'maxLength',
    value: maxLength,
    expected: `an integer from ${shortest}${reason}`,
  });
}

/** The ids themselves. @throws `ERR_ARGUMENT_INVALID` for what is no list */
export function checkIds(ids: Iterable<number | bigint>): Iterable<number | bigint> {
  if (typeof (ids as Partial<Iterable<unknown>> | null)?.[Symbol.iterator] === 'function') return ids;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'ids', value: ids, expected: 'a list of ids' });
}

/** @throws `ERR_ARGUMENT_INVALID` for an id that no token has, of a vocabulary of `size` */
export function refuseId(id: number | bigint, size: number): never {
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'ids',
    value: String(id),
    expected: `ids of tokens, below ${size}`,
  });
}
