import { ThimbleError } from '../errors.js';

/** What is above this is no length: transformers writes 1e30 where it knows none. */
const LONGEST = 1_000_000;

/** `model_max_length` of a tokenizer's config; `fallback` where it says none. @throws `ERR_TOKENIZER_FILE` */
export function readModelMaxLength(
  file: string,
  config: Readonly<Record<string, unknown>>,
  { shortest, fallback }: { readonly shortest: number; readonly fallback: number },
): number {
  const value = config['model_max_length'];
  if (value === undefined || value === null || Number(value) > LONGEST) return fallback;
  return Number.isSafeInteger(value) && Number(value) >= shortest
    ? Number(value)
    : refuseField(file, 'model_max_length');
}

/** @throws `ERR_TOKENIZER_FILE` for a field of a tokenizer's config */
export function refuseField(file: string, name: string): never {
  throw new ThimbleError('ERR_TOKENIZER_FILE', {
    file,
    problem: `"${name}", here or in special_tokens_map.json, has a value that it cannot have`,
  });
}
