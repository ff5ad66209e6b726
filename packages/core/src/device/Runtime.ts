import type { InferenceSession, Tensor } from 'onnxruntime-common';
import type * as OnnxRuntime from 'onnxruntime-node';
import { fileSystemError } from '../disk/fileSystemError.js';
import { isThimbleError, ThimbleError } from '../errors.js';
import { alignWeights } from './alignWeights.js';
import type { DeviceOptions } from './DeviceOptions.js';
import type { DeviceRows, RowRange, RowsOptions } from './DeviceRows.js';
import type { DeviceTensor } from './DeviceTensor.js';
import { mapRuntimeError } from './mapRuntimeError.js';
import { type LoadedModel, MappedModel, StreamedModel } from './LoadedModel.js';
import { MemoryBudget } from './MemoryBudget.js';
import type { OnnxModel, StreamedWeight } from './OnnxModel.js';
import type { OptimizationTarget } from './OptimizationTarget.js';
import type { Program, ProgramResult, ProgramStep } from './Program.js';
import { createRowStore } from './createRowStore.js';
import type { RowStore } from './RowStore.js';
import { ScratchBuffers } from './ScratchBuffers.js';
import { optimizationOptions, sessionOptions } from './sessionOptions.js';
import { elementsOf } from './wireTensor.js';
import { WeightStream } from './WeightStream.js';
import { withoutTelemetry } from './withoutTelemetry.js';

/**
 * After this many bytes of dropped activations a collection is worth its time: their buffers hang on the JavaScript heap. It has to be a
 * full one, because those that outlive a few segments are old objects; the heap is small, so it takes 2 ms.
 */
const COLLECT_AFTER = {
  keep: 48 * 2 ** 20,
  'keep-small': 48 * 2 ** 20,
  trim: 16 * 2 ** 20,
  return: 4 * 2 ** 20,
} as const;

/** onnxruntime-node with sessions and tensors by number: what a device runs, in its own process or inline. */
export class Runtime {
  readonly #options: DeviceOptions;
  readonly #sessions = new Map<number, LoadedModel>();
  readonly #tensors = new Map<number, Tensor>();
  readonly #rows = new Map<number, RowStore>();
  readonly #scratch = new ScratchBuffers();
  readonly #stream: WeightStream;
  #runtime: typeof OnnxRuntime | undefined;
  #nextId: number;
  #dropped = 0;

  /** Numbers are given out from `firstId` on. */
  constructor(options: DeviceOptions, firstId = 1) {
    this.#options = options;
    this.#nextId = firstId;
    const { largestBytes = Infinity } = new MemoryBudget(options.memoryLimit).weightParts ?? {};
    this.#stream = new WeightStream({
      window: largestBytes,
      onDrop: (byteLength) => {
        this.#dropped += byteLength;
      },
    });
  }

  get usage(): { readonly sessions: number; readonly tensors: number } {
    return { sessions: this.#sessions.size, tensors: this.#tensors.size + this.#rows.size };
  }

  /** Loads the library, which takes a while, before somebody waits for it. What is wrong with it the first call tells. */
  warmUp(): void {
    this.#load().catch(() => undefined);
  }

  async load(model: OnnxModel): Promise<number> {
    const loaded =
      model.parts === undefined
        ? new MappedModel(model.name, await this.#create(model, sessionOptions(model, this.#options)))
        : await this.#streamed(model);
    const id = this.#nextId++;
    this.#sessions.set(id, loaded);
    return id;
  }

  async optimize(model: OnnxModel, target: OptimizationTarget): Promise<void> {
    const session = await this.#create(model, optimizationOptions(model, this.#options, target));
    await session.release();
    await alignWeights(target.folder).catch((error: unknown) => {
      throw fileSystemError(error, target.folder, 'write');
    });
  }

  async unload(id: number): Promise<void> {
    const loaded = this.#sessions.get(id);
    if (loaded === undefined) return;
    this.#sessions.delete(id);
    await loaded.release();
  }

  /** `cancelled` is asked before every step; where it says true, the run ends with ERR_CANCELLED. */
  async run(program: Program, cancelled: () => boolean): Promise<ProgramResult> {
    const { values, read } = await this.#inputsOf(program);
    const durations: number[] = [];
    for (const [i, step] of program.steps.entries()) {
      if (cancelled()) throw new ThimbleError('ERR_CANCELLED', {});
      const started = performance.now();
      const next = program.steps[i + 1];
      const ahead = next === undefined ? program.ahead : this.#sessions.get(next.session)?.firstWeights;
      await this.#step(step, values, ahead ?? []);
      durations.push(performance.now() - started);
      this.#release(step.release, values);
      this.#collect();
    }
    const entries = Object.entries(program.outputs).map(
      ([name, mode]) => [name, mode, this.#valueOf(values, name)] as const,
    );
    for (const [, target, tensor] of entries) {
      if (typeof target === 'object') await this.#writeRows(target, tensor);
      else if (target === 'download') this.#drop(tensor);
    }
    // Without a step the inputs are what the outputs are made of.
    if (program.steps.length > 0)
      for (const { data } of read) this.#scratch.give((data as Float32Array).buffer as ArrayBuffer);
    return {
      downloaded: Object.fromEntries(
        entries.filter(([, mode]) => mode === 'download').map(([name, , tensor]) => [name, tensor]),
      ),
      kept: Object.fromEntries(
        entries.filter(([, mode]) => mode === 'keep').map(([name, , tensor]) => [name, this.#keep(tensor)]),
      ),
      durations,
    };
  }

  /** Collects what the last run has left, once its answer is out of hand: else it would lie there until the next one drops as much. */
  settle(): void {
    this.#collect();
  }

  upload(tensor: Tensor): DeviceTensor {
    return this.#keep(tensor);
  }

  download(id: number): Tensor {
    const tensor = this.#tensors.get(id);
    if (tensor === undefined) throw new ThimbleError('ERR_DEVICE_TENSOR_GONE', { id });
    return tensor;
  }

  createRows(options: RowsOptions): DeviceRows {
    const id = this.#nextId++;
    this.#rows.set(id, createRowStore(options));
    return { ...options, id };
  }

  free(ids: readonly number[]): void {
    for (const id of ids) this.#freeOne(id);
    this.#collect();
  }

  async dispose(): Promise<void> {
    const ids = [...this.#sessions.keys()];
    this.#tensors.clear();
    this.free([...this.#rows.keys()]);
    for (const id of ids) await this.unload(id);
    await this.#stream.clear();
  }

  async #create(model: OnnxModel, options: InferenceSession.SessionOptions): Promise<InferenceSession> {
    const { InferenceSession: Session } = await this.#load();
    try {
      return await Session.create(model.bytes, options);
    } catch (error) {
      throw mapRuntimeError(error, 'load', model.name, this.#options.provider);
    }
  }

  async #step(step: ProgramStep, values: Map<string, Tensor>, ahead: readonly StreamedWeight[]): Promise<void> {
    const loaded = this.#sessions.get(step.session);
    if (loaded === undefined)
      throw new ThimbleError('ERR_RUNTIME_RUN', { segment: String(step.session), reason: 'the session is not loaded' });
    const feeds = Object.fromEntries(
      Object.entries(step.feeds).map(([port, name]) => [port, this.#valueOf(values, name)]),
    );
    try {
      const results = await loaded.run(feeds, Object.keys(step.results), ahead);
      for (const [port, name] of Object.entries(step.results)) values.set(name, results[port] as Tensor);
    } catch (error) {
      if (isThimbleError(error)) throw error;
      throw mapRuntimeError(error, 'run', loaded.name, this.#options.provider);
    }
  }

  /** A model whose parts are read as they are needed. */
  async #streamed(model: OnnxModel): Promise<LoadedModel> {
    const { Tensor: RuntimeTensor } = await this.#load();
    return new StreamedModel({
      model,
      stream: this.#stream,
      create: async (part) => {
        const named = { ...part, name: model.name };
        return this.#create(named, sessionOptions(named, this.#options));
      },
      tensorOf: ({ type, dims }, bytes) => {
        const data = elementsOf(type, bytes);
        return new RuntimeTensor(type as 'float32', data as Float32Array, dims);
      },
      drop: (tensor) => this.#drop(tensor),
      collect: () => this.#collect(),
    });
  }

  /** Apart from the run, which would keep the last one as long as it lasts. `read`: those that were made of rows. */
  async #inputsOf({
    inputs,
    consumed = [],
  }: Program): Promise<{ readonly values: Map<string, Tensor>; readonly read: readonly Tensor[] }> {
    const values = new Map<string, Tensor>();
    const read: Tensor[] = [];
    for (const [name, input] of Object.entries(inputs)) {
      const tensor = await this.#toTensor(input);
      values.set(name, tensor);
      if ('of' in input) read.push(tensor);
    }
    for (const name of consumed) this.#forget(inputs[name]);
    return { values, read };
  }

  #freeOne(id: number): void {
    this.#closeRows(id);
    this.#drop(this.#tensors.get(id));
    this.#tensors.delete(id);
  }

  #release(names: readonly string[], values: Map<string, Tensor>): void {
    for (const name of names) {
      this.#drop(values.get(name));
      values.delete(name);
    }
  }

  #valueOf(values: ReadonlyMap<string, Tensor>, name: string): Tensor {
    const tensor = values.get(name);
    if (tensor === undefined)
      throw new ThimbleError('ERR_RUNTIME_RUN', { segment: name, reason: 'the value was not computed' });
    return tensor;
  }

  /** Its tensor lives on in the run, as long as a step needs it. */
  #forget(input: Program['inputs'][string] | undefined): void {
    if (input !== undefined && 'id' in input) this.#tensors.delete(input.id);
  }

  async #toTensor(input: Tensor | DeviceTensor | RowRange): Promise<Tensor> {
    if ('id' in input) return this.download(input.id);
    const { Tensor: RuntimeTensor } = await this.#load();
    if ('of' in input) return this.#readRows(input, RuntimeTensor);
    return input instanceof RuntimeTensor
      ? input
      : new RuntimeTensor(input.type as 'float32', input.data as Float32Array, input.dims);
  }

  #closeRows(id: number): void {
    const store = this.#rows.get(id);
    if (store === undefined) return;
    store[Symbol.dispose]();
    this.#rows.delete(id);
    // The next ones are of other sizes.
    this.#scratch.clear();
  }

  async #readRows({ of, start, count }: RowRange, RuntimeTensor: typeof OnnxRuntime.Tensor): Promise<Tensor> {
    const store = this.#rowsOf(of.id);
    const bytes = new Uint8Array(this.#scratch.take(store.byteLength(count)));
    await store.read(start, count, bytes);
    const data = store.type === 'float32' ? new Float32Array(bytes.buffer) : new Uint16Array(bytes.buffer);
    return new RuntimeTensor(store.type as 'float32', data as Float32Array, [1, store.outer, count, store.inner]);
  }

  async #writeRows({ of, start, count }: RowRange, tensor: Tensor): Promise<void> {
    const { buffer, byteOffset, byteLength } = tensor.data as Float32Array;
    await this.#rowsOf(of.id).write(start, count, new Uint8Array(buffer, byteOffset, byteLength));
    this.#drop(tensor);
  }

  #rowsOf(id: number): RowStore {
    const store = this.#rows.get(id);
    if (store === undefined) throw new ThimbleError('ERR_DEVICE_TENSOR_GONE', { id });
    return store;
  }

  #keep(tensor: Tensor): DeviceTensor {
    const id = this.#nextId++;
    this.#tensors.set(id, tensor);
    return { id, type: tensor.type, dims: tensor.dims };
  }

  #drop(tensor: Tensor | undefined): void {
    this.#dropped += (tensor?.size ?? 0) * 4;
  }

  /** Apart from dropping: what a running function has named, its frame keeps. */
  #collect(): void {
    if (this.#dropped < COLLECT_AFTER[this.#options.allocator ?? 'keep'] || globalThis.gc === undefined) return;
    this.#dropped = 0;
    globalThis.gc();
  }

  async #load(): Promise<typeof OnnxRuntime> {
    if (this.#runtime !== undefined) return this.#runtime;
    Object.assign(process.env, withoutTelemetry);
    try {
      this.#runtime = await import('onnxruntime-node');
      // What it would write to the standard error output is in the errors that it throws, too.
      this.#runtime.env.logLevel = 'fatal';
      return this.#runtime;
    } catch (error) {
      const reason = 'onnxruntime-node, which computes, cannot be loaded; install it again';
      throw new ThimbleError('ERR_DEVICE_UNAVAILABLE', { provider: this.#options.provider, reason }, { cause: error });
    }
  }
}
