import { InProcessQueue } from './jobs/InProcessQueue.js';
import type { JobState } from './jobs/Job.js';
import { jobProcessor, type ProcessorListeners } from './jobs/jobProcessor.js';
import type { JobQueue } from './jobs/JobQueue.js';
import { loadRedis } from './loadPeer.js';
import type { ModelCatalog } from './models/ModelCatalog.js';
import { ModelPool } from './models/ModelPool.js';
import type { ResultStore } from './results/ResultStore.js';
import type { ServiceSettings } from './ServerOptions.js';

/** What does the jobs of a service. */
export interface Backend {
  readonly models: ModelCatalog;
  readonly queue: JobQueue;
  readonly close: () => Promise<void>;
}

/** What a {@link Backend} works with. */
export interface BackendParts extends ProcessorListeners {
  readonly store: ResultStore;
  readonly onEnd: (state: JobState) => void;
}

/** Jobs are done in this process. */
export async function openHere(settings: ServiceSettings, parts: BackendParts): Promise<Backend> {
  const models = new ModelPool(settings.models as NonNullable<typeof settings.models>, settings);
  const { maxQueue, retain, queue: makeQueue = (each, more) => new InProcessQueue(each, more) } = settings;
  const queue = await makeQueue(jobProcessor(models, parts.store, parts), {
    maxQueue,
    retain,
    laneOf: ({ request }) => models.deviceOf(request.model),
    onEnd: parts.onEnd,
  });
  const close = async (): Promise<void> => {
    await queue.close();
    await models.dispose();
  };
  return { models, queue, close };
}

/** Jobs are put into Redis, for workers. @throws ERR_REDIS_UNAVAILABLE, ERR_REDIS_EVICTS, ERR_SERVER_PEER_MISSING */
export async function openRedis(settings: ServiceSettings, { onEnd }: BackendParts): Promise<Backend> {
  const { maxQueue, retain, models: named } = settings;
  const { RedisConnection, RedisQueue, RemoteModels } = await loadRedis();
  const connection = await RedisConnection.open(settings.redis as string, { patient: false });
  const models = await RemoteModels.create(connection, named === undefined ? undefined : Object.keys(named));
  const queue = await RedisQueue.create(connection, { maxQueue, retain, onEnd, lanes: () => models.lanes });
  const close = async (): Promise<void> => {
    await queue.close();
    await models.dispose();
    await connection.close();
  };
  return { models, queue, close };
}
