import { refuseOption } from './refuseOption.js';

/** Refuses what is no number from `min` to `max`; infinity is one. @throws ERR_ARGUMENT_INVALID naming the argument */
export function checkNumber(argument: string, value: unknown, min = -Infinity, max = Infinity): void {
  if (typeof value === 'number' && value >= min && value <= max) return;
  refuseOption(
    argument,
    value,
    `a number${min === -Infinity ? '' : ` from ${min}`}${max === Infinity ? '' : ` to ${max}`}`,
  );
}

/** As {@link checkNumber}, for whole ones. */
export function checkInteger(argument: string, value: unknown, min = -Infinity, max = Infinity): void {
  if (!Number.isSafeInteger(value)) refuseOption(argument, value, 'an integer');
  checkNumber(argument, value, min, max);
}

/** Refuses what is no list of integers. @throws ERR_ARGUMENT_INVALID naming the argument */
export function checkIntegers(argument: string, values: unknown): void {
  if (!Array.isArray(values) || !values.every((value) => Number.isSafeInteger(value)))
    refuseOption(argument, values, 'a list of integers');
}
