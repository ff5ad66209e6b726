import type { Place, TurnQueue } from '../execution/TurnQueue.js';
import { ThimbleError } from '../errors.js';
import type { QueuedEvent } from './PipelineEvent.js';

/** Waits for the turn, with an event whenever fewer come before; none where nobody does. The result ends the turn. Rejects with `signal.reason` when aborted. */
export async function* waitForTurn(turns: TurnQueue, signal: AbortSignal): AsyncGenerator<QueuedEvent, Disposable> {
  signal.throwIfAborted();
  const place = turns.enter();
  let taken = false;
  try {
    for (let { ahead } = place; ahead > 0; { ahead } = place) {
      yield { type: 'queued', ahead };
      if (place.ahead === ahead) await place.moved(signal);
    }
    signal.throwIfAborted();
    taken = true;
    return place satisfies Place;
  } finally {
    if (!taken) place[Symbol.dispose]();
  }
}

/** @throws ERR_QUEUE_FULL where so many wait already */
export function checkQueue({ busy, pending }: TurnQueue, maxQueue: number): void {
  if (busy && pending >= maxQueue) throw new ThimbleError('ERR_QUEUE_FULL', { pending, maxQueue });
}
