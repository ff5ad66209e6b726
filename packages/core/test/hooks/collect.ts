import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Whether what `ref` points to is garbage: collects until it is gone, or ten times. */
export async function isCollected(ref: WeakRef<object>): Promise<boolean> {
  setFlagsFromString('--expose_gc');
  const gc = runInNewContext('gc') as () => void;
  for (let i = 0; i < 10 && ref.deref() !== undefined; i++) {
    // A WeakRef holds its target until the end of the job that last read it.
    await new Promise((resolve) => setTimeout(resolve, 1));
    gc();
  }
  return ref.deref() === undefined;
}
