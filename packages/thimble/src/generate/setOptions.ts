import { type DiffusionPipeline, isThimbleError } from '@thimble/core';
import type { Fields } from '@thimble/core/model';
import { parseOption } from '@thimble/core/plugin';
import { CliError } from '../CliError.js';
import type { OptionSetting } from './parseOptionSetting.js';

/** What says the same as options that the command line sets itself; those of fields with a flag are in the fields. */
const OTHER_FLAGS: Readonly<Record<string, string>> = {
  width: '--size <WxH>',
  height: '--size <WxH>',
  previews: '--preview [folder]',
  outputType: '--output <path>, with its extension or --format',
};

/** Refuses settings of options that have a flag, before anything is opened: two ways to say one thing may disagree. @throws CliError ERR_USAGE naming the flag */
export function checkSettings(settings: readonly OptionSetting[], fields: Fields): void {
  for (const setting of settings) {
    const flag = flagOf(setting.name, fields);
    if (flag !== undefined) refuse(setting, `use ${flag}`);
  }
}

/**
 * The options of a run that `--option` sets, read as the pipeline and its plugins want them.
 *
 * @param fields those that the command has flags for
 * @throws CliError ERR_USAGE for an unknown name or a value that cannot be
 */
export function setOptions(
  pipe: DiffusionPipeline,
  settings: readonly OptionSetting[],
  fields: Fields,
): Record<string, unknown> {
  const all = Object.entries(pipe.optionFields);
  const free = Object.fromEntries(all.filter(([name]) => flagOf(name, fields) === undefined));
  return Object.fromEntries(
    settings.map((setting) => {
      const { name, text } = setting;
      try {
        return [name, parseOption(name, text, free)] as const;
      } catch (error) {
        if (!isThimbleError(error, 'ERR_ARGUMENT_INVALID')) throw error;
        const { argument, expected } = error.details;
        return refuse(
          setting,
          argument === 'options' ? `there is no such option; ${expected}` : `expected ${expected}`,
        );
      }
    }),
  );
}

function flagOf(name: string, fields: Fields): string | undefined {
  if (!Object.hasOwn(fields, name)) return undefined;
  return fields[name]?.flag ?? (Object.hasOwn(OTHER_FLAGS, name) ? OTHER_FLAGS[name] : undefined);
}

function refuse({ name, text }: OptionSetting, problem: string): never {
  throw new CliError('ERR_USAGE', { problem: `--option ${name}=${text}: ${problem}.` });
}
