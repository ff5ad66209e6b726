import { expect, test } from '@jest/globals';
import { GraphGarbage } from '../../src/execution/GraphGarbage.js';

const MB = 2 ** 20;

/** After which readings, in megabytes, what graphs leave behind is collected; a collection leaves 12. */
function collections(...readings: readonly number[]): number[] {
  const collected: number[] = [];
  let used = 12;
  const garbage = new GraphGarbage({
    measure: () => ({ heapBytes: (used - 2) * MB, externalBytes: 2 * MB }),
    collect: () => {
      collected.push(used);
      used = 12;
    },
  });
  // What lay there before is collected at once.
  expect(collected.splice(0)).toEqual([12]);
  for (const reading of readings) {
    used = reading;
    garbage.settle();
  }
  return collected;
}

test.each([
  ['each time that the heap has grown by 8 MB', [12, 16, 21, 15, 19, 20.5], [21, 20.5]],
  ['not while it grows less, nor where V8 has collected meanwhile', [12, 19, 10, 17], []],
  ['from what V8 has left on', [13, 10, 18], [18]],
  ['not in the large heap of an application', [100, 120, 140], []],
])('collects %s', (_, readings, expected) => {
  expect(collections(...readings)).toEqual(expected);
});
