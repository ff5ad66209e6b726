import { once } from 'node:events';
import type { Interruption } from '../Interruption.js';

/** Does `begin` and, after the first signal, `end`; the second signal ends either. A signal that came before is the second one. @throws what they throw; the reason of the second signal */
export async function untilSignal(
  interruption: Interruption,
  { begin, end }: { readonly begin: () => Promise<void>; readonly end: () => Promise<void> },
): Promise<void> {
  interruption.signal.throwIfAborted();
  const signalled = new Promise<void>((resolve) => {
    interruption.onFirst(resolve);
  });
  const aborted = once(interruption.signal, 'abort').then(() => Promise.reject(interruption.signal.reason));
  aborted.catch(() => undefined);
  await begin();
  await Promise.race([signalled, aborted]);
  await Promise.race([end(), aborted]);
}
