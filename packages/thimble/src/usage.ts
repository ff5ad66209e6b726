import { CliError } from './CliError.js';

/** Refuses a command line. @throws CliError ERR_USAGE, always */
export function usage(problem: string): never {
  throw new CliError('ERR_USAGE', { problem: `${problem}.` });
}
