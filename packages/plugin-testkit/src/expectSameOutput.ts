import { AssertionError } from 'node:assert';
import type { Image, Tensor } from '@thimble/core';

/** What a run gives, in any of its forms; or bare numbers. */
export type Output =
  | ArrayLike<number>
  | Tensor
  | Image
  | readonly Image[]
  | { readonly images: Tensor | readonly Image[] };

/** Options of {@link expectSameOutput}. */
export interface SameOutputOptions {
  /** The largest difference of two values that is let pass: pixels of a tensor are 0 to 1, of an image 0 to 255. Default 0: bit for bit. */
  readonly tolerance?: number | undefined;
}

/**
 * Checks that two outputs are of one size and agree value by value. NaN agrees with NaN alone.
 *
 * @throws AssertionError that says where they differ most, and by how much
 */
export function expectSameOutput(actual: Output, expected: Output, { tolerance = 0 }: SameOutputOptions = {}): void {
  const [a, b] = [valuesOf(actual), valuesOf(expected)];
  if (a.length !== b.length)
    throw failure(`outputs are of different size: ${a.length} values and ${b.length}`, a.length, b.length);
  const { at, difference } = largestDifference(a, b);
  if (difference <= tolerance) return;
  throw failure(
    `outputs differ by ${difference} at value ${at} of ${a.length}: ${a[at]} and ${b[at]}; tolerance ${tolerance}`,
    a[at],
    b[at],
  );
}

function largestDifference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): { readonly at: number; readonly difference: number } {
  let [at, difference] = [0, 0];
  for (let i = 0; i < a.length; i++) {
    if (Object.is(a[i], b[i])) continue;
    const distance = Math.abs((a[i] as number) - (b[i] as number));
    if (distance <= difference) continue;
    [at, difference] = [i, Number.isNaN(distance) ? Infinity : distance];
  }
  return { at, difference };
}

function valuesOf(output: Output): ArrayLike<number> {
  if (typeof output !== 'object' || output === null) return refuse(output);
  if ('images' in output) return valuesOf(output.images);
  if ('data' in output) return valuesOf(output.data as ArrayLike<number>);
  const values = (
    Array.isArray(output) && output[0] instanceof Object ? joined(output as readonly Image[]) : output
  ) as ArrayLike<number>;
  return typeof values.length === 'number' ? values : refuse(output);
}

function refuse(output: unknown): never {
  throw failure('what is compared is no output of a run', output, 'a result, tensor, image or numbers');
}

function joined(images: readonly Image[]): Uint8Array {
  return Buffer.concat(images.map(({ data }) => data ?? refuse(images)));
}

function failure(message: string, actual: unknown, expected: unknown): AssertionError {
  return new AssertionError({ message, actual, expected, operator: 'expectSameOutput' });
}
