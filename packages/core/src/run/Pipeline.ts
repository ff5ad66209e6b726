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
import { plainCalls, type RunCalls } from '../extension/RunCalls.js';
import { isScheduler, type Scheduler } from '../schedulers/Scheduler.js';
import { linkSignals } from '../linkSignals.js';
import type { Tokenizer } from '../tokenizers/Tokenizer.js';
import type { ModelIndex } from '../weights/ModelIndex.js';
import type { JsonObject } from '../disk/readJsonFile.js';
import { OPTIONS } from '../extension/tokens.js';
import type { Component } from '../execution/Component.js';
import { type Attachable, componentRecord, standIn } from '../execution/componentRecord.js';
import type { Fields, FieldValues } from '../fields/Field.js';
import { defaultsOf, joinFields } from '../fields/joinFields.js';
import { readOptions } from '../fields/readOptions.js';
import { refuseOption } from '../fields/refuseOption.js';
import type { GenerateOptions, GenerateResult, OutputType, Prompt } from './GenerateOptions.js';
import { followReader } from './followReader.js';
import { hookedRun } from './hookedRun.js';
import { MemoryMonitor, measureMemory } from './MemoryMonitor.js';
import type { PipelineEvent } from './PipelineEvent.js';
import { PipelineRun } from './PipelineRun.js';
import type { PipelinePart, PipelineParts } from './PipelineParts.js';
import type { JudgedRun, PreparedRun } from './PreparedRun.js';
import { RoomJudge } from './RoomJudge.js';
import { readRunOptions } from './readRunOptions.js';
import { tellPreset, withPreset } from './RunPreset.js';
import { checkRunSize } from './runLimits.js';
import { runScheduler, withSchedulerCopy } from './ownScheduler.js';
import { etaWarnings, schedulerWarnings } from './schedulerWarning.js';
import { checkQueue, waitForTurn } from './waitForTurn.js';

/**
 * A pipeline: the components of a checkpoint on one device, with hooks that plugins tap. Runs of one pipeline take turns.
 * @typeParam F - the fields of its options.
 * @typeParam R - what it makes of them, before a run begins.
 * @typeParam L - what it reads for a run, such as pictures.
 */
export abstract class Pipeline<F extends Fields = Fields, R extends PreparedRun = PreparedRun, L = unknown>
  implements PluginHostPipeline, AsyncDisposable
{
  /** By name: `unet`, `vae`, `text_encoder`. Assigning to a name is {@link Pipeline.replace}. */
  readonly components: Record<string, Component>;
  /** For applications; plugins tap the hooks of their context. */
  readonly hooks: Hooks;
  readonly device: Device;
  readonly convolution: PluginHostPipeline['convolution'];
  /** By name: `tokenizer`, `tokenizer_2`. */
  readonly tokenizers: Readonly<Record<string, Tokenizer>>;
  /** What `model_index.json` says. */
  protected readonly index: ModelIndex;
  readonly #parts: PipelineParts;
  readonly #schedulers: Record<string, Scheduler>;
  readonly #life = new AbortController();
  /** Streams that somebody reads, or has stopped reading. */
  readonly #streams = new Set<AsyncGenerator<PipelineEvent, GenerateResult | undefined>>();
  readonly #room: RoomJudge;
  #runs = 0;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#room = new RoomJudge(parts, async (run, signal) => this.checkRoom?.(run as R, signal));
    this.index = parts.index;
    this.components = componentRecord(parts.components);
    this.tokenizers = parts.tokenizers;
    this.#schedulers = { ...parts.schedulers };
    this.hooks = parts.hooks;
    this.device = parts.device;
    this.convolution = parts.convolution ?? 'winograd';
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
      refuseOption('scheduler', scheduler, 'a scheduler, such as DDIMScheduler.fromConfig(pipe.scheduler.config)');
    this.#schedulers['scheduler'] = scheduler;
    for (const warning of schedulerWarnings(scheduler, Object.keys(this.components))) this.#parts.events.emit(warning);
  }

  /** @throws ERR_COMPONENT_MISSING if none was loaded */
  get tokenizer(): Tokenizer {
    return this.tokenizerOf('text_encoder');
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
    return this.index.className;
  }

  /** The checkpoint's folder. */
  get folder(): string {
    return this.index.folder;
  }

  get memoryLimit(): number | undefined {
    return this.#parts.memoryLimit;
  }

  /** How many runs wait for their turn; the one that goes on is not among them. */
  get pending(): number {
    return this.#parts.turns.pending;
  }

  /** The installed plugins, in the order in which they were installed. */
  get plugins(): readonly PluginHandle[] {
    return this.#parts.host.list();
  }

  /** The options that `generate` and `stream` take now, by name: the pipeline's and those of its plugins. `optionsSchema` makes a JSON schema of them. @throws ERR_ARGUMENT_INVALID if a plugin provides an option under a name that is taken */
  get optionFields(): Fields {
    return joinFields(this.#ownFields, this.#parts.host.provided(OPTIONS));
  }

  /** What `generate` takes where nothing is said, by the names of its options: diffusers' values, or those of the {@link Pipeline.preset}. */
  get defaults(): Readonly<Record<string, unknown>> {
    return defaultsOf(this.optionFields);
  }

  /** The preset whose values are among the {@link Pipeline.defaults}, where the checkpoint is known to be distilled: `sd-turbo`. */
  get preset(): string | undefined {
    return this.#parts.preset?.name;
  }

  /** What its runs call. */
  get calls(): RunCalls {
    return plainCalls;
  }

  /** The pipeline's own options, with the model's sizes and defaults. */
  protected abstract readonly fields: F;

  /** Reads what options name when it is a run's turn, such as pictures; `prepare` is given it. Nothing by default. */
  protected read?(options: FieldValues<F>): Promise<L | undefined>;

  /** Makes ready for a run whose options are checked one by one: checks several together, sets the scheduler. Asked at once, and again at the run's turn, with what was read. */
  protected abstract prepare(prompt: Prompt, options: FieldValues<F>, read?: L): R;

  /** Refuses what the memory limit has no room for. Asked while the run waits, and again at its turn, with what was read. Nothing is refused by default. @throws ERR_MEMORY_LIMIT */
  protected checkRoom?(prepared: R, signal: AbortSignal): Promise<void>;

  /** What one run does: the steps from prompt to result, yielding an event where something is done. */
  protected abstract sample(prepared: R, run: PipelineRun): AsyncGenerator<PipelineEvent, GenerateResult>;

  /** Turns latents as `outputType: 'latent'` gives them into images, through the same hooks. */
  abstract decodeLatents(latents: Tensor, options?: { readonly signal?: AbortSignal | undefined }): Promise<Image[]>;

  /**
   * Generates images. Calls that overlap take turns.
   * @throws `signal.reason` when aborted; ThimbleError at once for bad arguments, a run that is larger than the pipeline allows (ERR_REQUEST_TOO_LARGE) or one too many (ERR_QUEUE_FULL); and for what fails on the way
   */
  async generate<O extends OutputType = 'image'>(
    prompt: Prompt,
    options: GenerateOptions<O> = {},
  ): Promise<GenerateResult<O>> {
    for await (const event of this.stream(prompt, options)) if (event.type === 'done') return event.result;
    throw new TypeError('a run ended without a result');
  }

  /**
   * As {@link Pipeline.generate}, event by event; the last one is `done`. It begins when the first event is asked for. Leaving the loop early ends the run, and a
   * reader who does not come back loses it to those who wait (ERR_READER_TIMEOUT).
   */
  async *stream<O extends OutputType = 'image'>(
    prompt: Prompt,
    options: GenerateOptions<O> = {},
  ): AsyncGenerator<PipelineEvent<O>, void> {
    this.#life.signal.throwIfAborted();
    const { turns, limits } = this.#parts;
    const turn = this.#takeTurn(prompt, this.#judge(prompt, options), options);
    const rules = { timeout: limits.readerTimeout, othersWait: () => turns.pending > 0 };
    this.#streams.add(turn);
    try {
      const read = followReader(turn, rules) as AsyncGenerator<PipelineEvent<O>, GenerateResult<O> | undefined>;
      const result = yield* read;
      if (result === undefined) this.#life.signal.throwIfAborted();
      else yield { type: 'done', result };
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

  /** Makes another scheduler out of this pipeline's scheduler config: `pipe.scheduler = pipe.createScheduler('euler_a')`. Knows core's and those that plugins provide, by their classes and by what people call them: see {@link findScheduler}. @throws ERR_SCHEDULER_UNKNOWN, ERR_CONFIG_INVALID */
  createScheduler(name: string, overrides: JsonObject = {}): Scheduler {
    return this.#parts.createScheduler(name, this.#schedulers['scheduler']?.config ?? {}, overrides);
  }

  /** Puts a component in the place of another one, or what attaches to it, such as a traced model: `pipe.replace('unet', traced)`. Runs that begin afterwards use it. Gives the component that is there now. @throws ERR_COMPONENT_MISSING if none of that name was loaded; what attaching throws */
  replace(name: string, replacement: Component | Attachable): Component {
    if (typeof name !== 'string') refuseOption('name', name, 'the name of a component');
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

  /** The tokenizer of a text encoder: `tokenizer_2` of `text_encoder_2`. @throws ERR_COMPONENT_MISSING */
  protected tokenizerOf(encoder: string): Tokenizer {
    const name = encoder.replace('text_encoder', 'tokenizer');
    return this.tokenizers[name] ?? this.#missing(name);
  }

  /** A component by name. @throws ERR_COMPONENT_MISSING */
  protected component(name: string): Component {
    return this.components[name] ?? this.#missing(name);
  }

  /** The pipeline's own options, with the preset's defaults. */
  get #ownFields(): F {
    return withPreset(this.fields, this.#parts.preset, this.#schedulers['scheduler']);
  }

  /** Checks all that can be known before the turn, with a scheduler of its own: that of the pipeline belongs to the run that goes on. */
  #judge(prompt: Prompt, options: GenerateOptions): JudgedRun<FieldValues<F>, R> {
    const { turns, limits } = this.#parts;
    const given = readOptions(options, { ...this.optionFields, ...this.#ownFields }, 'generate');
    checkRunSize(prompt, given, limits, this.fields);
    const prepared = withSchedulerCopy(this.#schedulers, () => this.prepare(prompt, given));
    checkQueue(turns, limits.maxQueue);
    return { given, prepared };
  }

  /** One run, once it is its turn. Only then is the scheduler's own schedule set. */
  async *#takeTurn(
    prompt: Prompt,
    { given, prepared: foreseen }: JudgedRun<FieldValues<F>, R>,
    asked: GenerateOptions,
  ): AsyncGenerator<PipelineEvent, GenerateResult | undefined> {
    const left = new AbortController();
    using signal = linkSignals([this.#life.signal, left.signal, asked.signal]);
    void this.#room.foresee(foreseen && { ...foreseen, prompt }, left, signal);
    using turn = yield* waitForTurn(this.#parts.turns, signal);
    using scheduler = runScheduler(this.#schedulers);
    const values = await readRunOptions(this, this.#parts.host, { given, asked, signal });
    const prepared = this.prepare(prompt, values, await this.read?.(values));
    const options = { ...values, ...prepared.options };
    checkRunSize(prompt, options, this.#parts.limits, this.fields);
    const { steps, encodes: pictures } = prepared;
    const context: RunContext = { id: ++this.#runs, prompt, signal, state: new Map(), steps, pictures, options };
    await this.#parts.host.plan(context);
    await this.#room.judge(prepared, signal);
    using memory = new MemoryMonitor(this.device, this.components, this.memoryLimit);
    const run = new PipelineRun(context, this.hooks, memory, left);
    tellPreset(run, this.#parts.preset, this.#ownFields, asked);
    using attached = this.#parts.events.attach(run);
    void [turn, scheduler, attached];
    for (const warning of etaWarnings(this.#schedulers['scheduler'], options)) this.#parts.events.emit(warning);
    return yield* hookedRun(run, this.sample(prepared, run));
  }

  #missing(component: string): never {
    const available = Object.keys(this.parts);
    throw new ThimbleError('ERR_COMPONENT_MISSING', { component, folder: this.folder, available });
  }
}
