import { createHash, randomUUID } from 'node:crypto';
import { randomSeed } from '@thimble/core';
import { checkLimits } from './jobs/checkLimits.js';
import type { Generation } from './jobs/Generation.js';
import type { Job, JobEvent, JobState, JsonValue } from './jobs/Job.js';
import type { JobQueue } from './jobs/JobQueue.js';
import { Metrics } from './Metrics.js';
import type { ModelCatalog } from './models/ModelCatalog.js';
import { openHere, openRedis } from './openBackend.js';
import { openStorage } from './results/openStorage.js';
import { ResultStore } from './results/ResultStore.js';
import { ServerError } from './ServerError.js';
import { readServiceOptions, type ServiceOptions, type ServiceSettings } from './ServerOptions.js';

/** Milliseconds between two sweeps of the store. */
const SWEEP_INTERVAL = 60_000;

interface ServiceParts {
  readonly settings: ServiceSettings;
  readonly models: ModelCatalog;
  readonly queue: JobQueue;
  readonly store: ResultStore;
  readonly metrics: Metrics;
  readonly listeners: ((error: unknown) => void)[];
  /** Closes the queue and what belongs to it. */
  readonly close: () => Promise<void>;
}

/** What routes act through: models, a queue, a store. */
export class Service {
  readonly settings: ServiceSettings;
  readonly models: ModelCatalog;
  readonly queue: JobQueue;
  readonly store: ResultStore;
  readonly metrics: Metrics;
  readonly #listeners: ((error: unknown) => void)[];
  readonly #closeQueue: () => Promise<void>;
  readonly #sweeper: NodeJS.Timeout;
  #draining = false;
  #closing: Promise<void> | undefined;

  private constructor(parts: ServiceParts) {
    this.settings = parts.settings;
    this.models = parts.models;
    this.queue = parts.queue;
    this.store = parts.store;
    this.metrics = parts.metrics;
    this.#listeners = parts.listeners;
    const { retain } = parts.settings;
    this.#closeQueue = parts.close;
    const isKnown = async (id: string): Promise<boolean> => (await this.queue.get(id)) !== undefined;
    const sweep = (): void => void this.store.sweep(Date.now() - retain, isKnown).catch(() => undefined);
    this.#sweeper = setInterval(sweep, Math.min(retain, SWEEP_INTERVAL)).unref();
  }

  /** @throws ERR_ARGUMENT_INVALID for an option that cannot be; with `redis`, ERR_REDIS_UNAVAILABLE, ERR_REDIS_EVICTS, ERR_SERVER_PEER_MISSING */
  static async create(options: ServiceOptions): Promise<Service> {
    const settings = readServiceOptions(options);
    const metrics = new Metrics();
    const listeners: ((error: unknown) => void)[] = [];
    const onFault = (error: unknown): void => {
      for (const tell of listeners) tell(error);
    };
    const { results = settings.redis } = settings;
    const store = new ResultStore(typeof results === 'object' ? results : await openStorage(results));
    const onEnd = (state: JobState): void => {
      metrics.ended(state);
      void store.remove(Object.values(state.request.pictures)).catch(() => undefined);
    };
    const open = settings.redis === undefined ? openHere : openRedis;
    const onEvent = (event: JobEvent): void => metrics.happened(event);
    const opening = open(settings, { store, onEnd, onFault, onEvent });
    const { models, queue, close } = await opening.catch(async (error: unknown) => {
      await store.close();
      throw error;
    });
    metrics.watch({ queue, models });
    return new Service({ settings, models, queue, store, metrics, listeners, close });
  }

  /** Calls `listener` with what jobs fail of that has no code, which their clients are not told. */
  onFault(listener: (error: unknown) => void): void {
    this.#listeners.push(listener);
  }

  /** Whether it takes no new jobs, because it is about to end. */
  get draining(): boolean {
    return this.#draining;
  }

  /**
   * Takes a job in: checks its size, draws its seeds, stores its pictures.
   *
   * @param key of a client that may ask twice: the same one gives the same job
   * @throws ERR_SERVER_CLOSING, ERR_MODEL_UNKNOWN, ERR_REQUEST_LIMIT, ERR_JOB_QUEUE_FULL, ERR_IDEMPOTENCY_CONFLICT
   */
  async submit(generation: Generation, key?: string): Promise<JobState> {
    if (this.#draining) throw new ServerError('ERR_SERVER_CLOSING', {});
    const model = generation.model ?? this.models.names[0] ?? '';
    this.models.deviceOf(model);
    checkLimits(generation.options, this.settings);
    const identity = identityOf({ ...generation, model }, key);
    const known = key === undefined ? undefined : await this.queue.get(identity.id);
    const job = jobOf({ ...generation, model }, { ...identity, createdAt: known?.createdAt ?? Date.now() }, this.store);
    if (known !== undefined) return this.queue.add(job);
    const { pictures } = job.request;
    try {
      for (const [name, stored] of Object.entries(pictures))
        await this.store.put(stored, generation.pictures[name] as Uint8Array);
      return await this.queue.add(job);
    } catch (error) {
      await this.store.remove(Object.values(pictures));
      throw error;
    }
  }

  /** Takes no new jobs, and resolves once those that were taken in are done. */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.queue.drained();
  }

  /** Cancels what is not done, and closes models and store. Idempotent. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#draining = true;
    clearInterval(this.#sweeper);
    await this.#closeQueue();
    await this.store.close();
  }
}

/** An id, and with a key the same one for the same key, on whatever machine. */
function identityOf(generation: Generation, key: string | undefined): Pick<Job, 'id' | 'fingerprint'> {
  if (key === undefined) return { id: randomUUID() };
  const digest = createHash('sha256').update(`thimble job ${key}`).digest('hex');
  const id = [
    [0, 8],
    [8, 12],
    [12, 16],
    [16, 20],
    [20, 32],
  ]
    .map(([from, to]) => digest.slice(from, to))
    .join('-');
  const pictures = Object.entries(generation.pictures).map(([name, bytes]) => [
    name,
    createHash('sha256').update(bytes).digest('hex'),
  ]);
  const fingerprint = createHash('sha256')
    .update(JSON.stringify({ ...generation, pictures }))
    .digest('hex');
  return { id, fingerprint };
}

function jobOf(
  { pictures, options, ...rest }: Generation & { readonly model: string },
  job: Omit<Job, 'request'>,
  store: ResultStore,
): Job {
  const keys = Object.keys(pictures).map((name) => [name, store.inputKey(job, name)] as const);
  return {
    ...job,
    request: { ...rest, options: { ...options, seed: seedsOf(options) }, pictures: Object.fromEntries(keys) },
  };
}

/** A seed for each picture: those that were given, those after the one that was given, or random ones; so that each can be made again alone. */
function seedsOf({ seed, numImagesPerPrompt }: Generation['options']): JsonValue {
  const count = typeof numImagesPerPrompt === 'number' ? numImagesPerPrompt : 1;
  if (seed === undefined) return Array.from({ length: count }, () => randomSeed());
  return typeof seed === 'number' && Number.isSafeInteger(seed + count)
    ? Array.from({ length: count }, (_, i) => seed + i)
    : seed;
}
