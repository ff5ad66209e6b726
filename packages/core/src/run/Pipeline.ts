import type { Tensor } from 'onnxruntime-common';
import type { Device } from '../device/Device.js';
import { ThimbleError } from '../errors.js';
import type { Hooks } from '../hooks/manifest.js';
import type { MemoryReport } from '../hooks/calls/MemoryReport.js';
import type { RunContext } from '../hooks/calls/RunContext.js';
import type { Image } from '../images/Image.js';
import type { Plugin } from '../extension/Plugin.js';
import type { PluginHandle } from '../extension/PluginHandle.js';
import type { PluginHostPipeline } from '../extension/PluginHostPipeline.js';
import { isScheduler, type Scheduler } from '../schedulers/Scheduler.js';
import type { Tokenizer } from '../tokenizers/Tokenizer.js';
import type { JsonObject } from '../disk/readJsonFile.js';
import { OPTIONS } from '../extension/tokens.js';
import { checkOptionNames } from '../fields/checkOptionNames.js';
import type { Component } from '../execution/Component.js';
import { type Attachable, componentRecord, standIn } from '../execution/componentRecord.js';
import type { Field, Fields, FieldValues } from '../fields/Field.js';
import { readOptions, refuseOption } from '../fields/readOptions.js';
import type { GenerateOptions, GenerateResult, OutputType, Prompt } from './GenerateOptions.js';
import { finishRun } from './finishRun.js';
import { MemoryMonitor, measureMemory } from './MemoryMonitor.js';
import type { PipelineEvent } from './PipelineEvent.js';
import { PipelineRun } from './PipelineRun.js';
import type { PipelinePart, PipelineParts } from './PipelineParts.js';
import { schedulerWarning } from './schedulerWarning.js';

/** A run whose options are checked and whose scheduler is set. A pipeline adds what its `sample` goes by. */
export interface PreparedRun {
  /** How many times the denoiser will be called. */
  readonly steps: number;
  /** The options with their defaults, as hooks see them. */
  readonly options: object;
}

/**
 * A pipeline: the components of a checkpoint on one device, with hooks that plugins tap. Runs of one pipeline take turns.
 *
 * @typeParam F - the fields of its options.
 * @typeParam R - what it makes of them, before a run begins.
 */
export abstract class Pipeline<F extends Fields = Fields, R extends PreparedRun = PreparedRun>
  implements PluginHostPipeline, AsyncDisposable
{
  /** By name: `unet`, `vae`, `text_encoder`. Assigning to a name is {@link Pipeline.replace}. */
  readonly components: Record<string, Component>;
  /** For applications; plugins tap the hooks of their context. */
  readonly hooks: Hooks;
  readonly device: Device;
  /** By name: `tokenizer`, `tokenizer_2`. */
  readonly tokenizers: Readonly<Record<string, Tokenizer>>;
  readonly #parts: PipelineParts;
  readonly #schedulers: Record<string, Scheduler>;
  readonly #life = new AbortController();
  /** Streams that somebody reads, or has stopped reading. */
  readonly #streams = new Set<AsyncGenerator<PipelineEvent, GenerateResult | undefined>>();
  #runs = 0;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.components = componentRecord(parts.components);
    this.tokenizers = parts.tokenizers;
    this.#schedulers = { ...parts.schedulers };
    this.hooks = parts.hooks;
    this.device = parts.device;
  }

  /**
   * Replaceable: `pipe.scheduler = DDIMScheduler.fromConfig(pipe.scheduler.config)`; the next run warns of fields that the
   * new one cannot honour. @throws ERR_COMPONENT_MISSING if none was loaded; ERR_ARGUMENT_INVALID if it is set to something else
   */
  get scheduler(): Scheduler {
    return this.#schedulers['scheduler'] ?? this.#missing('scheduler');
  }

  set scheduler(scheduler: Scheduler) {
    if (!isScheduler(scheduler))
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'scheduler',
        value: scheduler,
        expected: 'a scheduler, such as DDIMScheduler.fromConfig(pipe.scheduler.config)',
      });
    this.#schedulers['scheduler'] = scheduler;
    const warning = schedulerWarning(scheduler);
    if (warning !== undefined) this.#parts.events.emit(warning);
  }

  /** @throws ERR_COMPONENT_MISSING if none was loaded */
  get tokenizer(): Tokenizer {
    return this.tokenizers['tokenizer'] ?? this.#missing('tokenizer');
  }

  /** As `components.unet`. @throws ERR_COMPONENT_MISSING if there is none */
  get unet(): Component {
    return this.component('unet');
  }

  set unet(replacement: Component | Attachable) {
    this.replace('unet', replacement);
  }

  /** As `components.transformer`. @throws ERR_COMPONENT_MISSING if there is none */
  get transformer(): Component {
    return this.component('transformer');
  }

  set transformer(replacement: Component | Attachable) {
    this.replace('transformer', replacement);
  }

  /** As `components.vae`. @throws ERR_COMPONENT_MISSING if there is none */
  get vae(): Component {
    return this.component('vae');
  }

  set vae(replacement: Component | Attachable) {
    this.replace('vae', replacement);
  }

  /** All that was opened, by its name in `model_index.json`: components, tokenizers, schedulers. */
  get parts(): Readonly<Record<string, PipelinePart>> {
    return { ...this.components, ...this.tokenizers, ...this.#schedulers };
  }

  /** The class in `model_index.json`. */
  get className(): string {
    return this.#parts.index.className;
  }

  /** The checkpoint's folder. */
  get folder(): string {
    return this.#parts.index.folder;
  }

  get memoryLimit(): number | undefined {
    return this.#parts.memoryLimit;
  }

  /** The installed plugins, in the order in which they were installed. */
  get plugins(): readonly PluginHandle[] {
    return this.#parts.host.list();
  }

  /**
   * The options that `generate` and `stream` take now, by name: the pipeline's and those of its plugins. `optionsSchema` makes a JSON schema of them.
   *
   * @throws ERR_ARGUMENT_INVALID if a plugin provides an option under a name that is taken
   */
  get optionFields(): Fields {
    const all = new Map<string, Field>(Object.entries(this.fields));
    for (const [name, field] of this.#parts.host.provided(OPTIONS).flatMap((fields) => Object.entries(fields))) {
      if (all.has(name)) refuseOption('options', name, 'a name that neither the pipeline nor another plugin has');
      all.set(name, field);
    }
    return Object.fromEntries(all);
  }

  /** What `generate` takes where nothing is said, by the names of its options. */
  get defaults(): Readonly<Record<string, unknown>> {
    const values = Object.entries(this.optionFields).map(([name, field]) => [name, field.default] as const);
    return Object.fromEntries(values.filter(([, value]) => value !== undefined));
  }

  /** The pipeline's own options, with the model's sizes and defaults. */
  protected abstract readonly fields: F;

  /** Makes ready for a run whose options are checked one by one: checks what concerns several of them, and sets the scheduler. */
  protected abstract prepare(prompt: Prompt, options: FieldValues<F>): R;

  /** What one run does: the steps from prompt to result, yielding an event where something is done. */
  protected abstract sample(prepared: R, run: PipelineRun): AsyncGenerator<PipelineEvent, GenerateResult>;

  /** Turns latents as `outputType: 'latent'` gives them into images, through the same hooks. */
  abstract decodeLatents(latents: Tensor, options?: { readonly signal?: AbortSignal }): Promise<Image[]>;

  /**
   * Generates images. Calls that overlap take turns.
   *
   * @throws `signal.reason` when aborted; ThimbleError for bad arguments before anything runs, and for what fails on the way
   */
  async generate<O extends OutputType = 'image'>(
    prompt: Prompt,
    options: GenerateOptions<O> = {},
  ): Promise<GenerateResult<O>> {
    for await (const event of this.stream(prompt, options)) if (event.type === 'done') return event.result;
    throw new TypeError('a run ended without a result');
  }

  /** As {@link Pipeline.generate}, event by event; the last one is `done`. Leaving the loop early ends the run. */
  async *stream<O extends OutputType = 'image'>(
    prompt: Prompt,
    options: GenerateOptions<O> = {},
  ): AsyncGenerator<PipelineEvent<O>, void> {
    this.#assertAlive();
    const turn = this.#takeTurn(prompt, options);
    this.#streams.add(turn);
    try {
      const result = yield* turn as AsyncGenerator<PipelineEvent<O>, GenerateResult<O> | undefined>;
      if (result !== undefined) yield { type: 'done', result };
      else this.#assertAlive();
    } finally {
      this.#streams.delete(turn);
    }
  }

  /** Installs a plugin. See {@link PluginHost.use}. */
  async use(plugin: Plugin): Promise<PluginHandle> {
    return this.#parts.host.use(plugin);
  }

  /** Removes a plugin: the pipeline is again what it was. See {@link PluginHost.remove}. */
  async remove(target: Plugin | PluginHandle | string): Promise<void> {
    await this.#parts.host.remove(target);
  }

  /**
   * Makes a scheduler of another class out of this pipeline's scheduler config: `pipe.scheduler = pipe.createScheduler('PNDMScheduler')`.
   * Knows core's and those that plugins provide. @throws ERR_SCHEDULER_UNKNOWN, ERR_CONFIG_INVALID
   */
  createScheduler(className: string, overrides: JsonObject = {}): Scheduler {
    return this.#parts.createScheduler(className, { ...this.#schedulers['scheduler']?.config, ...overrides });
  }

  /**
   * Puts a component in the place of another one, or what attaches to it, such as a traced model: `pipe.replace('unet', traced)`. Runs that begin afterwards use it.
   *
   * @returns the component that is there now
   * @throws ERR_COMPONENT_MISSING if none of that name was loaded; what attaching throws
   */
  replace(name: string, replacement: Component | Attachable): Component {
    const component = standIn(replacement, this.component(name));
    this.components[name] = component;
    return component;
  }

  /** What both processes hold now. */
  async memory(): Promise<MemoryReport> {
    return measureMemory(this.device, this.components);
  }

  /** Gives memory back that the device holds and nothing needs. */
  async trim(): Promise<void> {
    await this.device.trim();
  }

  warn(code: string, message: string): void {
    this.#parts.events.emit({ type: 'warning', code, message });
  }

  progress(task: string, done: number, total: number): void {
    this.#parts.events.emit({ type: 'progress', task, done, total });
  }

  /** Ends what runs, removes the plugins, unloads everything and ends the device's process. Idempotent. */
  async dispose(): Promise<void> {
    if (!this.#life.signal.aborted) this.#life.abort(new ThimbleError('ERR_DISPOSED', { object: 'the pipeline' }));
    // A stream waits for its reader, who may be the one who calls this, or may never come back.
    for (const stream of this.#streams) stream.return(undefined).catch(() => undefined);
    try {
      using turn = await this.#parts.turns.take();
      void turn;
      await this.#parts.host.dispose();
    } finally {
      await this.device.dispose();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }

  /** Makes sure that a run has the components it needs; `false` stands for one that it does not need. @throws ERR_COMPONENT_MISSING */
  protected require(...names: readonly (string | false)[]): void {
    for (const name of names) if (name !== false) this.component(name);
  }

  /** A component by name. @throws ERR_COMPONENT_MISSING */
  protected component(name: string): Component {
    return this.components[name] ?? this.#missing(name);
  }

  /** One run, once it is its turn. Only then are the options looked at, because that sets the scheduler's timesteps. */
  async *#takeTurn(
    prompt: Prompt,
    options: GenerateOptions,
  ): AsyncGenerator<PipelineEvent, GenerateResult | undefined> {
    checkOptionNames(options, Object.keys(this.optionFields));
    const left = new AbortController();
    const signal = AbortSignal.any([
      this.#life.signal,
      left.signal,
      ...(options.signal === undefined ? [] : [options.signal]),
    ]);
    using turn = await this.#parts.turns.take(signal);
    await this.#parts.host.settled();
    const given = readOptions(options, { ...this.optionFields, ...this.fields });
    const prepared = this.prepare(prompt, given);
    using memory = new MemoryMonitor(this.device, this.components);
    const context: RunContext = {
      id: ++this.#runs,
      prompt,
      signal,
      state: new Map(),
      steps: prepared.steps,
      options: { ...given, ...prepared.options },
    };
    const run = new PipelineRun(context, this.hooks, memory, left);
    using attached = this.#parts.events.attach(run);
    void [turn, attached];
    return yield* this.#run(prepared, run);
  }

  async *#run(prepared: R, run: PipelineRun): AsyncGenerator<PipelineEvent, GenerateResult> {
    const { context } = run;
    let result: GenerateResult | undefined;
    try {
      yield* run.during(this.hooks.beforeRun.call(context));
      run.signal?.throwIfAborted();
      result = yield* this.sample(prepared, run);
      context.result = result;
    } catch (error) {
      context.error = error;
      throw error;
    } finally {
      if (result === undefined) context.error ??= new DOMException('The stream was left before its end.', 'AbortError');
      context.memory = run.memory.report();
      await finishRun(this.hooks, context, result !== undefined);
    }
    yield* run.drain();
    return result;
  }

  #missing(component: string): never {
    throw new ThimbleError('ERR_COMPONENT_MISSING', {
      component,
      folder: this.folder,
      available: Object.keys(this.parts),
    });
  }

  #assertAlive(): void {
    if (this.#life.signal.aborted) throw this.#life.signal.reason;
  }
}
