import { InvalidArgumentError } from 'commander';

/** An option of the run, as `--option` sets it. */
export interface OptionSetting {
  readonly name: string;
  readonly text: string;
}

/** Reads `NAME=VALUE`. */
export function parseOptionSetting(text: string): OptionSetting {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Expected NAME=VALUE, such as guidanceRescale=0.7.');
  return { name: text.slice(0, at), text: text.slice(at + 1) };
}
