import { addAbortListener } from 'node:events';

/**
 * Waits for something that others may wait for too, but not beyond an abort, which ends the wait alone.
 *
 * @throws `signal.reason`; what the promise rejects with
 */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let listener: Disposable | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    listener = addAbortListener(signal, () => reject(signal.reason));
  });
  try {
    const value = await Promise.race([promise, aborted]);
    signal.throwIfAborted();
    return value;
  } finally {
    listener?.[Symbol.dispose]();
  }
}
