import { setImmediate } from 'node:timers/promises';

/** How long the event loop is held at once, in milliseconds; one item may take as long again. */
const SLICE = 10;

/** Does some work for each item, and lets others have their turn in between. @throws `signal.reason` as soon as it is aborted */
export async function inSlices<T>(
  items: Iterable<T>,
  signal: AbortSignal | undefined,
  work: (item: T) => void,
): Promise<void> {
  let until = performance.now() + SLICE;
  for (const item of items) {
    if (performance.now() >= until) {
      await setImmediate();
      until = performance.now() + SLICE;
    }
    signal?.throwIfAborted();
    work(item);
  }
}
