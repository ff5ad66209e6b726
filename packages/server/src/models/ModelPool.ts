import type { DiffusionPipeline, Scheduler } from '@thimble/core';
import { ServerError } from '../ServerError.js';
import type { ModelCatalog } from './ModelCatalog.js';
import { factsOf, type ModelFacts } from './ModelFacts.js';
import { type ModelDefinition, type ModelRun, type NamedModel, readModelDefinition } from './ModelDefinition.js';

/** Options of a {@link ModelPool}. */
export interface ModelPoolOptions {
  /** How many models stay open at once. */
  readonly keep: number;
  /** Milliseconds after which a model that nobody uses is closed. */
  readonly idle: number;
}

/** A model that is open, until the lease is disposed. */
export interface ModelLease extends Disposable {
  readonly pipe: DiffusionPipeline;
  /** The model's own scheduler. */
  readonly scheduler: Scheduler;
  /** To be called before each run. @throws what the model's definition throws */
  readonly prepare: (run: Omit<ModelRun, 'pipe'>) => Promise<void>;
}

interface OpenedModel {
  readonly pipe: DiffusionPipeline;
  readonly scheduler: Scheduler;
  users: number;
  timer?: NodeJS.Timeout;
}

/** Models by name: opened when a run needs one, closed when nobody does for a while, or when another one needs the place. */
export class ModelPool implements ModelCatalog {
  readonly #definitions: ReadonlyMap<string, NamedModel>;
  readonly #options: ModelPoolOptions;
  /** Those used last come last. */
  readonly #opened = new Map<string, OpenedModel>();
  readonly #opening = new Map<string, Promise<OpenedModel>>();
  readonly #facts = new Map<string, ModelFacts>();

  constructor(models: Readonly<Record<string, ModelDefinition>>, options: ModelPoolOptions) {
    this.#definitions = new Map(Object.entries(models).map(([name, model]) => [name, readModelDefinition(model)]));
    this.#options = options;
  }

  get names(): readonly string[] {
    return [...this.#definitions.keys()];
  }

  /** The names of those that are open. */
  get opened(): readonly string[] {
    return [...this.#opened.keys()];
  }

  /** What is known of a model: as it is while it is open, else as it was when it was closed; undefined for one that was never open. */
  facts(name: string): ModelFacts | undefined {
    const open = this.#opened.get(name);
    return open === undefined ? this.#facts.get(name) : factsOf(open.pipe);
  }

  /** What is known of all models that were open, by their names. */
  allFacts(): Readonly<Record<string, ModelFacts>> {
    const known = this.names.map((name) => [name, this.facts(name)] as const);
    return Object.fromEntries(known.filter((each): each is [string, ModelFacts] => each[1] !== undefined));
  }

  async loras(): Promise<readonly string[]> {
    const lists = [...this.#definitions.values()].map(async ({ loras }) => (await loras?.()) ?? []);
    return [...new Set((await Promise.all(lists)).flat())].toSorted();
  }

  /** @throws ERR_MODEL_UNKNOWN */
  deviceOf(name: string): string {
    return this.#definition(name).device;
  }

  /** Opens a model, or takes the one that is open; others are closed where there are more than the pool keeps. @throws ERR_MODEL_UNKNOWN; what opening throws; `signal.reason` */
  async lease(name: string, signal: AbortSignal): Promise<ModelLease> {
    const definition = this.#definition(name);
    const opening = this.#opened.get(name) ?? this.#opening.get(name) ?? this.#open(name, definition, signal);
    const opened = await opening;
    clearTimeout(opened.timer);
    opened.users += 1;
    this.#opened.delete(name);
    this.#opened.set(name, opened);
    const { pipe, scheduler } = opened;
    return {
      pipe,
      scheduler,
      prepare: async (run) => definition.prepare?.({ ...run, pipe }),
      [Symbol.dispose]: () => this.#release(name, opened),
    };
  }

  /** Closes the models that nobody uses, all but one; false if there were none. */
  async closeOthers(name: string): Promise<boolean> {
    const others = this.#unused().filter((other) => other !== name);
    for (const other of others) await this.#close(other);
    return others.length > 0;
  }

  /** Closes all. */
  async dispose(): Promise<void> {
    await Promise.allSettled(this.#opening.values());
    for (const name of this.opened) await this.#close(name);
  }

  async #open(name: string, { open }: NamedModel, signal: AbortSignal): Promise<OpenedModel> {
    const opening = (async (): Promise<OpenedModel> => {
      const spare = this.#unused();
      while (this.#opened.size >= this.#options.keep && spare.length > 0) await this.#close(spare.shift() as string);
      const pipe = await open({ signal });
      const opened = { pipe, scheduler: pipe.scheduler, users: 0 };
      this.#opened.set(name, opened);
      return opened;
    })();
    this.#opening.set(name, opening);
    try {
      return await opening;
    } finally {
      this.#opening.delete(name);
    }
  }

  #release(name: string, opened: OpenedModel): void {
    opened.users -= 1;
    if (opened.users > 0 || this.#opened.get(name) !== opened) return;
    opened.timer = setTimeout(() => void this.#close(name).catch(() => undefined), this.#options.idle).unref();
  }

  #unused(): string[] {
    return [...this.#opened].filter(([, { users }]) => users === 0).map(([name]) => name);
  }

  async #close(name: string): Promise<void> {
    const opened = this.#opened.get(name);
    if (opened === undefined) return;
    clearTimeout(opened.timer);
    this.#facts.set(name, factsOf(opened.pipe));
    this.#opened.delete(name);
    await opened.pipe.dispose();
  }

  #definition(name: string): NamedModel {
    const definition = this.#definitions.get(name);
    if (definition !== undefined) return definition;
    throw new ServerError('ERR_MODEL_UNKNOWN', { model: name.slice(0, 100), models: this.names });
  }
}
