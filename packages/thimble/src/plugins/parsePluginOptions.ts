import { scanJson } from '@thimble/core/plugin';
import { CliError } from '../CliError.js';
import type { PluginSpec } from './parsePluginSpec.js';

/** The object that a plugin's constructor takes. @throws ERR_USAGE with the place of a fault */
export function parsePluginOptions({ package: name, options }: PluginSpec): object | undefined {
  if (options === undefined) return undefined;
  const fault = scanJson(options);
  if (fault !== undefined)
    throw usage(
      name,
      `the options are not valid JSON at character ${fault.offset + 1}: ${fault.problem}\n${pointAt(options, fault.offset)}`,
    );
  const value: unknown = JSON.parse(options);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw usage(name, `the options are ${options.trim()}; a plugin takes an object: --use '${name}:{"option":1}'.`);
}

/** The text around a fault, with a mark under it. */
function pointAt(text: string, offset: number): string {
  const start = Math.max(0, offset - 40);
  const shown = text.slice(start, offset + 30).replaceAll(/[\p{Cc}]/gu, ' ');
  return `  ${shown}\n  ${' '.repeat(offset - start)}^`;
}

function usage(name: string, problem: string): CliError {
  return new CliError('ERR_USAGE', { problem: `--use ${name}: ${problem}` });
}
