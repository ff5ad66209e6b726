import { expectSameOutput } from '../expectSameOutput.js';
import type { Picture } from './Bench.js';
import { messageOf, violation } from './violation.js';

/** Checks that two pictures are the same. `what` begins the sentence: "the picture after removal is not that of before". */
export function expectPicture(actual: Picture, expected: Picture, what: string, tolerance = 0): void {
  try {
    expectSameOutput(actual, expected, { tolerance });
  } catch (error) {
    throw violation(`${what}: ${messageOf(error)}`);
  }
}
