import {
  type DiffusionPipeline,
  type GenerateOptions,
  isThimbleError,
  type Plugin,
  type PluginHandle,
} from '@thimble/core';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestPipeline, testRun } from '../createTestPipeline.js';
import type { ConformanceOptions } from './ConformanceOptions.js';
import { type Holdings, holdingsOf } from './Holdings.js';
import { abortListeners } from './listenersOf.js';
import { TimerWatch } from './TimerWatch.js';
import { violation } from './violation.js';

/** The pixels of a run, values 0 to 1. */
export type Picture = Float32Array;

/** What came of one use of the plugin: installed, one run, removed. */
export interface Life {
  readonly with: Picture;
  readonly after: Picture;
  readonly before: Holdings;
  readonly left: Holdings;
  /** Names of what is left in the folder for temporary files. */
  readonly temporary: readonly string[];
  /** How many listeners the runs before and with it left on the signal that the user gave, and on that which hooks are given. */
  readonly signals: { readonly before: AbortListeners; readonly with: AbortListeners };
  /** Where the timers were begun that still run when plugin and pipeline are gone. */
  readonly timers: readonly string[];
}

/** How many listeners a run left on its signals. */
export interface AbortListeners {
  readonly own: number;
  readonly run: number;
}

/** Two prompts, so that there is a batch. */
export const PROMPTS = ['a cat', 'the sea'];
export const OTHER_PROMPTS = ['a red house', 'nothing at all'];

/** What ONNX Runtime writes there by itself. */
const OF_THE_RUNTIME = /^(\.ses|mat-debug-\d+\.log)$/;
const TEMPORARY = ['TMPDIR', 'TMP', 'TEMP'];

/** Pipelines and runs for the rules of one plugin. What several rules need is computed once. */
export class Bench {
  readonly options: ConformanceOptions;
  readonly #factory: () => Plugin;
  readonly #open = new Set<DiffusionPipeline>();
  #plain: Promise<Picture> | undefined;
  #life: Promise<Life> | undefined;

  constructor(factory: () => Plugin, options: ConformanceOptions) {
    this.#factory = factory;
    this.options = options;
  }

  /** Options of a run. */
  get run(): GenerateOptions<'tensor'> {
    return { ...testRun, ...this.options.run };
  }

  /** A new instance of the plugin. */
  create(): Plugin {
    return this.#factory();
  }

  /** A pipeline without the plugin; {@link Bench.close} disposes it. */
  async open(): Promise<DiffusionPipeline> {
    const pipe = await createTestPipeline({ device: this.options.device ?? 'process' });
    this.#open.add(pipe);
    await this.options.prepare?.(pipe);
    return pipe;
  }

  /** Installs an instance. @throws a violation that says why it cannot be */
  async use(pipe: DiffusionPipeline, plugin: Plugin = this.create()): Promise<PluginHandle> {
    try {
      return await pipe.use(plugin);
    } catch (error) {
      throw violation(
        isThimbleError(error, 'ERR_PLUGIN_APPLY')
          ? 'the plugin cannot be installed'
          : 'the pipeline refuses the plugin',
        error,
      );
    }
  }

  /** One run. */
  async generate(
    pipe: DiffusionPipeline,
    prompts: readonly string[] = PROMPTS,
    options: GenerateOptions = {},
  ): Promise<Picture> {
    const { images } = await pipe.generate(prompts, { ...this.run, ...(options as GenerateOptions<'tensor'>) });
    return images.data as Picture;
  }

  /** The picture without the plugin. */
  async plain(): Promise<Picture> {
    this.#plain ??= this.#alone((pipe) => this.generate(pipe));
    return this.#plain;
  }

  /** One use of the plugin, and what came of it. */
  async life(): Promise<Life> {
    this.#life ??= this.#withOwnTemporaryFolder(async (temporary) => {
      using watch = new TimerWatch();
      const life = await this.#alone((pipe) => this.#live(pipe, temporary));
      return { ...life, timers: await watch.running() };
    });
    return this.#life;
  }

  /** Disposes the pipelines that were opened. */
  async close(): Promise<void> {
    for (const pipe of this.#open) await this.#dispose(pipe);
  }

  async #live(pipe: DiffusionPipeline, temporary: () => Promise<string[]>): Promise<Omit<Life, 'timers'>> {
    const without = await this.#generateWithSignal(pipe);
    const before = await holdingsOf(pipe);
    const handle = await this.use(pipe);
    const { picture, listeners } = await this.#generateWithSignal(pipe);
    await remove(handle);
    const left = await holdingsOf(pipe);
    const signals = { before: without.listeners, with: listeners };
    return { with: picture, before, left, temporary: await temporary(), after: await this.generate(pipe), signals };
  }

  async #generateWithSignal(
    pipe: DiffusionPipeline,
  ): Promise<{ readonly picture: Picture; readonly listeners: AbortListeners }> {
    const own = new AbortController().signal;
    let run: AbortSignal | undefined;
    using tap = pipe.hooks.beforeRun.tap('thimble-testkit:signal', ({ signal }) => void (run = signal));
    void tap;
    const picture = await this.generate(pipe, PROMPTS, { signal: own });
    return { picture, listeners: { own: abortListeners(own), run: run === undefined ? 0 : abortListeners(run) } };
  }

  async #alone<T>(work: (pipe: DiffusionPipeline) => Promise<T>): Promise<T> {
    const pipe = await this.open();
    try {
      return await work(pipe);
    } finally {
      await this.#dispose(pipe);
    }
  }

  async #dispose(pipe: DiffusionPipeline): Promise<void> {
    this.#open.delete(pipe);
    await pipe.dispose();
  }

  /** Whatever asks for the folder of temporary files meanwhile gets an empty one. */
  async #withOwnTemporaryFolder<T>(work: (names: () => Promise<string[]>) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(tmpdir(), 'thimble-conformance-'));
    const saved = TEMPORARY.map((name) => [name, process.env[name]] as const);
    for (const name of TEMPORARY) process.env[name] = folder;
    try {
      return await work(async () => (await readdir(folder)).filter((name) => !OF_THE_RUNTIME.test(name)));
    } finally {
      for (const [name, value] of saved) restore(name, value);
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** Removes the plugin. @throws a violation if its clean-up fails */
export async function remove(handle: PluginHandle): Promise<void> {
  await handle.remove().catch((error: unknown) => {
    throw violation('the plugin fails when it is removed', error);
  });
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
