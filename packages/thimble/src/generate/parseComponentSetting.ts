import { InvalidArgumentError } from 'commander';

/** A component from elsewhere, as `--component` names it. */
export interface ComponentSetting {
  readonly name: string;
  /** A file of weights, a folder, a hub id or a file on the hub. */
  readonly source: string;
}

/** Reads `NAME=PATH`. */
export function parseComponentSetting(text: string): ComponentSetting {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1)
    throw new InvalidArgumentError('Expected NAME=PATH, such as vae=vae.safetensors.');
  return { name: text.slice(0, at), source: text.slice(at + 1) };
}
