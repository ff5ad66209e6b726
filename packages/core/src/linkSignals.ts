/** A signal that follows others until it is disposed of. */
export type LinkedSignal = AbortSignal & Disposable;

/** Who follows a signal, which has one listener for all of them. */
const followers = new WeakMap<AbortSignal, Set<AbortController>>();

/**
 * A signal that aborts with the first of some others, for its reason, until it is disposed of. For signals that live long: in Node.js 20 `AbortSignal.any` leaves something with each of its
 * sources for as long as that lives, half a kilobyte of a pipeline's with every run.
 */
export function linkSignals(signals: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const linked = new AbortController();
  const sources = signals.filter((signal) => signal !== undefined);
  const aborted = sources.find((source) => source.aborted);
  if (aborted !== undefined) linked.abort(aborted.reason);
  else for (const source of sources) followersOf(source).add(linked);
  return Object.assign(linked.signal, {
    [Symbol.dispose]: () => {
      for (const source of sources) followers.get(source)?.delete(linked);
    },
  });
}

function followersOf(source: AbortSignal): Set<AbortController> {
  const known = followers.get(source);
  if (known !== undefined) return known;
  const own = new Set<AbortController>();
  followers.set(source, own);
  source.addEventListener(
    'abort',
    () => {
      for (const each of own) each.abort(source.reason);
      own.clear();
    },
    { once: true },
  );
  return own;
}
