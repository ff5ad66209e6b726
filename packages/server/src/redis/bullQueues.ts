import { Queue, Worker } from 'bullmq';
import { KEY_PREFIX, type RedisConnection } from './RedisConnection.js';

/** Milliseconds for which a worker that says nothing is believed to be there. */
export const LOCK_DURATION = 10_000;
/** Milliseconds between two looks for jobs whose worker is gone. */
const STALLED_INTERVAL = 3000;

/** Names of BullMQ's queues have no colon. */
const nameOf = (model: string): string => encodeURIComponent(model);

/** The queue of a model's jobs: each model has one, so that a worker takes what its models can do, and first what the open one can. */
export function queueOf(model: string, { commands }: RedisConnection): Queue {
  const queue = new Queue(nameOf(model), {
    connection: commands,
    prefix: KEY_PREFIX,
    // States and results are kept beside it.
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
  });
  return queue.on('error', () => undefined);
}

/** Takes jobs from the queue of a model, when it is asked to; and, all the time, gives those whose lock has expired to others. */
export async function takerOf(
  model: string,
  { commands }: RedisConnection,
  { lockDuration, onError }: { readonly lockDuration: number; readonly onError: (error: unknown) => void },
): Promise<Worker> {
  const worker = new Worker(nameOf(model), null, {
    connection: commands,
    prefix: KEY_PREFIX,
    autorun: false,
    lockDuration,
    stalledInterval: Math.min(STALLED_INTERVAL, lockDuration),
    // The jobs' own records count.
    maxStalledCount: 1000,
  });
  worker.on('error', onError);
  await worker.waitUntilReady();
  await worker.startStalledCheckTimer();
  return worker;
}
