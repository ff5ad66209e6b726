import { existsSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';

/** A textual inversion, as `--embedding` names it. */
export interface EmbeddingSetting {
  readonly file: string;
  readonly token?: string;
}

/** Reads `FILE` or `FILE=TOKEN`; a file whose name has that sign is taken as it is. */
export function parseEmbeddingSetting(text: string): EmbeddingSetting {
  const at = text.lastIndexOf('=');
  if (text === '' || at === 0 || at === text.length - 1)
    throw new InvalidArgumentError('Expected FILE or FILE=TOKEN, such as toy.safetensors=toy.');
  return at < 0 || existsSync(text) ? { file: text } : { file: text.slice(0, at), token: text.slice(at + 1) };
}
