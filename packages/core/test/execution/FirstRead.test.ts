import { expect, test } from '@jest/globals';
import { FirstRead, type ReadSegment } from '../../src/execution/FirstRead.js';

const MB = 2 ** 20;
const GB = 2 ** 30;

/** Segments that note when they are read; a read takes `milliseconds`, unless it is aborted. */
function segmentsOf(
  sizes: readonly number[],
  milliseconds = 0,
): { readonly read: number[]; readonly aborted: number[]; readonly segments: readonly ReadSegment[] } {
  const read: number[] = [];
  const aborted: number[] = [];
  const segments = sizes.map((bytes, i) => ({
    bytes,
    prefetch: async (signal: AbortSignal) => {
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        signal.addEventListener('abort', () => {
          clearTimeout(timer);
          resolve(undefined);
        });
      });
      if (signal.aborted) aborted.push(i);
      signal.throwIfAborted();
      read.push(i);
    },
  }));
  return { read, aborted, segments };
}

const wait = (milliseconds: number) => async (): Promise<string> => {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return 'picture';
};

test('weights are read in the order of the run, once', async () => {
  const { read, segments } = segmentsOf([60 * MB, 60 * MB, 60 * MB]);
  const first = new FirstRead(() => GB);
  expect(await first.beside(segments, wait(50))).toBe('picture');
  expect(read).toEqual([0, 1, 2]);
  await first.beside(segments, wait(50));
  expect(read).toEqual([0, 1, 2]);
});

test('segments that another entry point adds are read when they run first', async () => {
  const { read, segments } = segmentsOf([100 * MB, 100 * MB]);
  const first = new FirstRead(() => GB);
  await first.beside(segments.slice(0, 1), wait(20));
  await first.beside(segments, wait(20));
  expect(read).toEqual([0, 1]);
});

test.each([
  ['what is small', [30 * MB, 30 * MB], GB],
  ['what takes more than half of the free memory', [300 * MB, 300 * MB], GB],
])('%s is left to the system', async (_, sizes, free) => {
  const { read, segments } = segmentsOf(sizes);
  await new FirstRead(() => free).beside(segments, wait(20));
  expect(read).toEqual([]);
});

test('when the run has ended, or failed, nothing is read any more', async () => {
  for (const run of [wait(10), () => Promise.reject(new Error('out of memory'))]) {
    const { read, aborted, segments } = segmentsOf([100 * MB, 100 * MB], 10_000);
    const running = new FirstRead(() => GB).beside<unknown>(segments, run);
    await Promise.allSettled([running]);
    expect([read, aborted]).toEqual([[], [0]]);
  }
});

test('a file that cannot be read ahead fails no run', async () => {
  const broken = { bytes: 100 * MB, prefetch: () => Promise.reject(new Error('EIO')) };
  expect(await new FirstRead(() => GB).beside([broken], wait(10))).toBe('picture');
});
