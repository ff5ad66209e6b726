import { type DiffusionPipeline, isThimbleError } from '@thimble/core';
import { parseOption } from '@thimble/core/plugin';
import { CliError } from '../CliError.js';
import type { OptionSetting } from './parseOptionSetting.js';

/** The options of a run that `--option` sets, read as the pipeline and its plugins want them. @throws CliError ERR_USAGE for an unknown name or a value that cannot be */
export function setOptions(pipe: DiffusionPipeline, settings: readonly OptionSetting[]): Record<string, unknown> {
  const fields = pipe.optionFields;
  return Object.fromEntries(
    settings.map(({ name, text }) => {
      try {
        return [name, parseOption(name, text, fields)] as const;
      } catch (error) {
        if (!isThimbleError(error, 'ERR_ARGUMENT_INVALID')) throw error;
        const { argument, expected } = error.details;
        const problem = argument === 'options' ? `there is no such option; ${expected}` : `expected ${expected}`;
        throw new CliError('ERR_USAGE', { problem: `--option ${name}=${text}: ${problem}.` }, { cause: error });
      }
    }),
  );
}
