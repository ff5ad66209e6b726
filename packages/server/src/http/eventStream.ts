import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** An event for a page or a client, as server-sent events write it. */
export interface SentEvent {
  readonly id?: number;
  readonly event: string;
  readonly data: unknown;
}

/** Milliseconds of silence after which a word keeps proxies from giving up. */
const KEEP_ALIVE = 15_000;

/** Answers with events, as fast as the client reads them. */
export function sendEvents(reply: FastifyReply, events: AsyncIterable<SentEvent>): FastifyReply {
  return reply
    .type('text/event-stream; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('x-accel-buffering', 'no')
    .send(Readable.from(frames(events[Symbol.asyncIterator]())));
}

async function* frames(events: AsyncIterator<SentEvent>): AsyncGenerator<string, void> {
  // The headers are sent with the first word.
  yield ': thimble\n\n';
  try {
    let next = events.next();
    for (;;) {
      const result = await unlessSilent(next);
      if (result === undefined) {
        yield ': still here\n\n';
        continue;
      }
      if (result.done === true) return;
      const { id, event, data } = result.value;
      yield `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
      next = events.next();
    }
  } finally {
    await events.return?.();
  }
}

/** What `next` gives, or undefined if it takes too long. */
async function unlessSilent<T>(next: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), KEEP_ALIVE).unref();
  });
  try {
    return await Promise.race([next, silence]);
  } finally {
    clearTimeout(timer);
  }
}
