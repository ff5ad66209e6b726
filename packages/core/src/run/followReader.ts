import { ThimbleError } from '../errors.js';

/** How a reader is followed. */
export interface ReaderRules {
  /** Milliseconds for which an event may stay unread while others wait. */
  readonly timeout: number;
  readonly othersWait: () => boolean;
}

/** The longest time that a timer can be set to. */
const LONGEST = 2 ** 31 - 1;

/**
 * Hands on the events of a run as its reader asks for them. The run of a reader who has not asked for so long, while others wait, is ended: it is told when
 * it asks again.
 *
 * @throws ERR_READER_TIMEOUT, and what the run throws
 */
export async function* followReader<T, R>(
  run: AsyncGenerator<T, R | undefined>,
  { timeout, othersWait }: ReaderRules,
): AsyncGenerator<T, R | undefined> {
  let ended: Promise<unknown> | undefined;
  const end = (): void => {
    if (othersWait()) ended = run.return(undefined).catch(() => undefined);
  };
  try {
    for (;;) {
      const { done, value } = await run.next();
      if (done === true) return value;
      const timer = setInterval(end, Math.min(timeout, LONGEST)).unref();
      try {
        yield value;
      } finally {
        clearInterval(timer);
      }
      if (ended === undefined) continue;
      await ended;
      throw new ThimbleError('ERR_READER_TIMEOUT', { milliseconds: timeout });
    }
  } finally {
    await run.return(undefined);
  }
}
