import { collectGarbage } from '@thimble/core/plugin';
import type { Service } from '@thimble/server';

/** Milliseconds between two looks. */
const INTERVAL = 1000;

/**
 * Collects garbage once after each time of work. The engine itself collects when it allocates: a server that idles would hold what its last crowd left, tens
 * of megabytes of pictures.
 */
export function collectWhenIdle(queue: Pick<Service['queue'], 'load'>): Disposable {
  let worked = false;
  const look = async (): Promise<void> => {
    const { queued, running } = await queue.load();
    const works = queued + running > 0;
    if (worked && !works) collectGarbage();
    worked = works;
  };
  const timer = setInterval(() => void look().catch(() => undefined), INTERVAL).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
