import { randomUUID } from 'node:crypto';
import { jobProcessor } from './jobs/jobProcessor.js';
import type { WorkerNotice } from './redis/workerRegister.js';
import { loadRedis } from './loadPeer.js';
import { ModelPool } from './models/ModelPool.js';
import { openStorage } from './results/openStorage.js';
import { ResultStore } from './results/ResultStore.js';
import { readWorkerOptions, type WorkerOptions } from './ServerOptions.js';

/** Milliseconds between two signs of life. */
const ANNOUNCE_INTERVAL = 5000;

/** A worker: it takes the jobs of its models out of Redis and does them, those of one device in turn. */
export interface ThimbleWorker extends AsyncDisposable {
  readonly models: ModelPool;
  /** Calls `listener` with what goes wrong that no client is told: faults without a code, trouble with Redis. */
  onFault(listener: (error: unknown) => void): void;
  /** Takes no more jobs, does those that it has, and ends. */
  drain(): Promise<void>;
  /** Gives back what is not done, for other workers, and ends. */
  close(): Promise<void>;
}

/**
 * Makes a worker for a server that has its jobs in Redis (`createServer({ redis })`, `thimble serve --redis`). There may be any number of them, on any number of machines: a job is done by
 * one that has its model, rather by one where the model is open. Where a worker is lost, its job is done again by another one, with the same seeds; after four losses it is given up.
 *
 * ```ts
 * const worker = await createWorker({ redis: 'redis://127.0.0.1:6379', models: { sd: 'models/stable-diffusion-v1-5' } });
 * ```
 *
 * @throws ERR_ARGUMENT_INVALID; ERR_SERVER_PEER_MISSING without bullmq and ioredis; ERR_REDIS_UNAVAILABLE, ERR_REDIS_EVICTS
 */
export async function createWorker(options: WorkerOptions): Promise<ThimbleWorker> {
  const settings = readWorkerOptions(options);
  const { RedisConnection, RedisWorker, announceWorker, dismissWorker } = await loadRedis();
  const { redis, results = redis } = settings;
  const listeners: ((error: unknown) => void)[] = [];
  const onFault = (error: unknown): void => {
    for (const tell of listeners) tell(error);
  };
  const connection = await RedisConnection.open(redis, { patient: true });
  const models = new ModelPool(settings.models as NonNullable<typeof settings.models>, settings);
  const store = new ResultStore(typeof results === 'object' ? results : await openStorage(results));
  const lanes = new Map(models.names.map((name) => [name, models.deviceOf(name)]));
  const starting = RedisWorker.start(connection, jobProcessor(models, store, { onFault }), {
    models: lanes,
    opened: () => models.opened,
    onError: onFault,
  });
  const worker = await starting.catch(async (error: unknown) => {
    await Promise.all([store.close(), connection.close()]);
    throw error;
  });

  const id = randomUUID();
  const startedAt = Date.now();
  const notice = async (): Promise<WorkerNotice> => ({
    startedAt,
    models: models.names,
    opened: models.opened,
    facts: models.allFacts(),
    loras: await models.loras(),
    lanes: new Set(lanes.values()).size,
  });
  const announce = async (): Promise<void> => announceWorker(connection, id, await notice());
  await announce();
  const announcing = setInterval(() => void announce().catch(onFault), ANNOUNCE_INTERVAL);

  const end = async (stop: () => Promise<void>): Promise<void> => {
    clearInterval(announcing);
    await stop();
    await models.dispose();
    await notice()
      .then(async (last) => dismissWorker(connection, id, last))
      .catch(() => undefined);
    await store.close();
    await connection.close();
  };
  let ended: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    // One that drains is not waited for any longer.
    if (ended !== undefined) await worker.close();
    await (ended ??= end(async () => worker.close()));
  };
  return {
    models,
    onFault: (listener) => void listeners.push(listener),
    drain: async () =>
      (ended ??= end(async () => {
        await worker.drain();
        await worker.close();
      })),
    close,
    [Symbol.asyncDispose]: close,
  };
}
