import type { ModelCatalog } from '../models/ModelCatalog.js';
import type { ModelFacts } from '../models/ModelFacts.js';
import { ServerError } from '../ServerError.js';
import type { RedisConnection } from './RedisConnection.js';
import { type KnownWorker, readWorkers } from './workerRegister.js';

/** Milliseconds between two looks at the workers; what they announce is heard at once. */
const LOOK_AGAIN = 5000;

/** The models of workers elsewhere: those that the server names, or else all that workers have. */
export class RemoteModels implements ModelCatalog {
  readonly #connection: RedisConnection;
  readonly #named: readonly string[] | undefined;
  readonly #timer: NodeJS.Timeout;
  #workers: readonly KnownWorker[] = [];

  private constructor(connection: RedisConnection, named: readonly string[] | undefined) {
    this.#connection = connection;
    this.#named = named;
    this.#timer = setInterval(() => this.#lookLater(), LOOK_AGAIN).unref();
  }

  /** @throws ERR_REDIS_UNAVAILABLE */
  static async create(connection: RedisConnection, named: readonly string[] | undefined): Promise<RemoteModels> {
    const models = new RemoteModels(connection, named);
    await connection.listen('workers', () => models.#lookLater());
    await models.#look();
    return models;
  }

  get names(): readonly string[] {
    return this.#named ?? [...new Set(this.#workers.flatMap(({ models }) => models))];
  }

  get opened(): readonly string[] {
    const opened = this.#workers.flatMap(({ there, opened: names }) => (there ? names : []));
    return [...new Set(opened)].filter((name) => this.names.includes(name));
  }

  async loras(): Promise<readonly string[]> {
    return [...new Set(this.#workers.flatMap(({ loras }) => loras))].toSorted();
  }

  /** How many jobs the workers that are there do at once. */
  get lanes(): number {
    return this.#workers.reduce((sum, { there, lanes }) => sum + (there ? lanes : 0), 0);
  }

  /** As the first of the workers tells that has had it open. */
  facts(name: string): ModelFacts | undefined {
    return this.#workers.find(({ facts }) => Object.hasOwn(facts, name))?.facts[name];
  }

  deviceOf(name: string): string {
    const { names } = this;
    if (names.includes(name)) return 'workers';
    throw names.length === 0
      ? new ServerError('ERR_NO_WORKERS', {})
      : new ServerError('ERR_MODEL_UNKNOWN', { model: name.slice(0, 100), models: names });
  }

  async dispose(): Promise<void> {
    clearInterval(this.#timer);
  }

  #lookLater(): void {
    // Redis that is away is asked again.
    void this.#look().catch(() => undefined);
  }

  async #look(): Promise<void> {
    this.#workers = await readWorkers(this.#connection);
  }
}
