import { InvalidArgumentError } from 'commander';

/** A parser of numbers for an option, within limits. */
export function numberFrom(minimum: number, maximum = Infinity): (text: string) => number {
  return (text) => {
    const value = read(text);
    if (!Number.isFinite(value) || value < minimum || value > maximum)
      throw new InvalidArgumentError(`Expected a number${range(minimum, maximum)}.`);
    return value;
  };
}

/** A parser of whole numbers for an option, from `minimum`. */
export function wholeNumberFrom(minimum: number): (text: string) => number {
  return (text) => {
    const value = read(text);
    if (!Number.isSafeInteger(value) || value < minimum)
      throw new InvalidArgumentError(`Expected a whole number${range(minimum, Infinity)}.`);
    return value;
  };
}

function read(text: string): number {
  return text.trim() === '' ? NaN : Number(text);
}

function range(minimum: number, maximum: number): string {
  const from = minimum === -Infinity ? '' : ` from ${minimum}`;
  return maximum === Infinity ? from : `${from} to ${maximum}`;
}
