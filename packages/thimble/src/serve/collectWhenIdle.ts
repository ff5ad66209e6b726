import { collectGarbage } from '@thimble/core/plugin';
import type { Service } from '@thimble/server';

/** Milliseconds between two looks. */
const INTERVAL = 1000;
/** What one collection finds free, the next one gives back. */
const COLLECTIONS = 2;

/**
 * Collects garbage after each time of work. The engine itself collects when it allocates: a server that idles would hold what its last crowd left, tens
 * of megabytes of pictures.
 */
export function collectWhenIdle(queue: Pick<Service['queue'], 'load'>): Disposable {
  let due = 0;
  const look = async (): Promise<void> => {
    const { queued, running } = await queue.load();
    if (queued + running > 0) due = COLLECTIONS;
    else if (due > 0) {
      due -= 1;
      collectGarbage();
    }
  };
  const timer = setInterval(() => void look().catch(() => undefined), INTERVAL).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
