import { isThimbleError, schedulerName, type ErrorDetails, type ThimbleError } from '@thimble/core';
import { cliErrorRegistry, isCliError, type CliError } from './CliError.js';
import { ExitCode } from './ExitCode.js';
import { fieldOptions } from './generate/fieldOptions.js';
import { pictureFields, videoFields } from './runFields.js';
import type { FailureReport } from './tellFailure.js';

const SIGNAL_EXIT_CODES: Readonly<Record<string, ExitCode>> = {
  SIGINT: ExitCode.interrupted,
  SIGTERM: ExitCode.terminated,
  SIGHUP: ExitCode.hangup,
};

/** The options of runs, of every pipeline. */
const FIELDS = { ...videoFields, ...pictureFields };

/** What the command line calls those arguments of core's calls that are no fields with a flag. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  components: '--component',
  vae: '--vae',
  config: '--config',
  predictionType: '--prediction-type',
  prompt: 'the prompt',
  model: 'the model',
  width: 'the width in --size',
  height: 'the height in --size',
  device: '--device',
};

/** Failures whose causes are in the words of programs that people do not know. */
const OF_RUNTIME: ReadonlySet<string> = new Set([
  'ERR_RUNTIME_LOAD',
  'ERR_RUNTIME_RUN',
  'ERR_OUT_OF_MEMORY',
  'ERR_DEVICE_UNAVAILABLE',
  'ERR_DEVICE_CRASHED',
]);

/** Says what went wrong in the words of the command line, and how the program is to end. */
export function describeFailure(error: unknown): FailureReport {
  if (isCliError(error)) return describeCliError(error);
  if (isThimbleError(error)) return describeThimbleError(error);
  return {
    code: 'ERR_UNEXPECTED',
    message: `${unexpected(error)} (run again with --debug for details)`,
    exitCode: ExitCode.failure,
  };
}

/** The flag of an option of a run, or how one is set that has none. */
function flagOf(option: string): string | undefined {
  if (!Object.hasOwn(FIELDS, option)) return undefined;
  return fieldOptions(FIELDS)[option]?.long ?? `--option ${option}`;
}

function describeCliError(error: CliError): FailureReport {
  const { code, message, details } = error;
  const bySignal = 'signal' in details ? SIGNAL_EXIT_CODES[details.signal] : undefined;
  return { code, message, exitCode: bySignal ?? cliErrorRegistry[code].exitCode };
}

function describeThimbleError(error: ThimbleError): FailureReport {
  const { code, message } = error;
  if (code === 'ERR_ARGUMENT_INVALID') {
    const { argument, value, expected } = error.details as ErrorDetails<'ERR_ARGUMENT_INVALID'>;
    const unknown = argument === 'options' ? fieldOptions(FIELDS)[String(value)]?.long : undefined;
    if (unknown !== undefined)
      return {
        code,
        message: `${unknown} is for other models; this one has no such option.`,
        exitCode: ExitCode.usage,
      };
    const option = ARGUMENTS[argument.split('.')[0] as string] ?? flagOf(argument);
    if (option !== undefined)
      return {
        code,
        message: `${option} is ${shown(value)}; expected ${expected}.`,
        exitCode: ExitCode.usage,
      };
  }
  if (code === 'ERR_SCHEDULER_UNKNOWN') {
    const details = error.details as ErrorDetails<'ERR_SCHEDULER_UNKNOWN'>;
    const exitCode = details.folder === undefined ? ExitCode.usage : ExitCode.failure;
    return { code, message: unknownScheduler(details), exitCode };
  }
  const more = OF_RUNTIME.has(code) && error.cause !== undefined ? " (--debug shows the runtime's own words)" : '';
  return { code, message: `${message}${more}`, exitCode: ExitCode.failure };
}

/** A model's own scheduler is nothing that the user got wrong. */
function unknownScheduler({ scheduler, known, nearest, folder }: ErrorDetails<'ERR_SCHEDULER_UNKNOWN'>): string {
  const names = known.map(schedulerName).join(', ');
  if (folder !== undefined)
    return `The model comes with the scheduler ${String(scheduler)}, which thimble does not have; choose another one with --scheduler: ${names}.`;
  const guess = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  return `There is no scheduler "${String(scheduler)}"; --scheduler takes ${names}, or what other programs call them, such as "dpm++_2m_karras".${guess}`;
}

function unexpected(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function shown(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part)) ?? String(value);
}
