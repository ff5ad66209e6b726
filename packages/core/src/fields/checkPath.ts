import { refuseOption } from './refuseOption.js';

/** Refuses what no file system has a name for, which Node's functions answer with a TypeError. @throws ERR_ARGUMENT_INVALID naming the argument */
export function checkPath(argument: string, value: unknown, expected = 'the path of a file'): asserts value is string {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return;
  refuseOption(argument, value, expected);
}
