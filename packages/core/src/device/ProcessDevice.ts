import { checkDeviceOptions } from './checkDeviceOptions.js';
import type { Tensor } from 'onnxruntime-common';
import { isThimbleError, ThimbleError } from '../errors.js';
import type { Device } from './Device.js';
import type { DeviceOptions } from './DeviceOptions.js';
import type { DeviceRows, RowsOptions } from './DeviceRows.js';
import type { DeviceTensor } from './DeviceTensor.js';
import type { ExecutionProvider } from './ExecutionProvider.js';
import type { FileRange } from './FileRange.js';
import type { WireProgram, WorkerMethod, WorkerMethods } from './messages.js';
import type { OnnxModel } from './OnnxModel.js';
import type { OptimizationTarget } from './OptimizationTarget.js';
import { type ProcessMemory, readProcessMemory } from './ProcessMemory.js';
import type { Program, ProgramResult } from './Program.js';
import { readAhead } from './readAhead.js';
import { WorkerProcess } from './WorkerProcess.js';

/** Numbers of sessions and tensors that one child may give out; those of different children never meet. */
const IDS_PER_CHILD = 2 ** 40;

/**
 * A device in a child process (the default): the event loop stays free, an abort is exact, a crash is a typed error after which
 * the next call starts a fresh child, and all memory comes back when it ends.
 */
export class ProcessDevice implements Device {
  readonly provider: ExecutionProvider;
  readonly #options: DeviceOptions;
  #child: Promise<WorkerProcess> | undefined;
  #running: WorkerProcess | undefined;
  #generation = 0;
  /** The first number that the running child gives out. */
  #firstId = 0;
  #disposed = false;

  constructor(options: DeviceOptions) {
    checkDeviceOptions(options);
    this.provider = options.provider;
    this.#options = options;
  }

  get generation(): number {
    return this.#generation;
  }

  /** The child's process number; `undefined` while none runs. */
  get pid(): number | undefined {
    return this.#running?.pid;
  }

  /** Starts the child ahead of the first call, which is told what is wrong with it. Nothing where one runs. */
  start(): void {
    if (this.#disposed) return;
    this.#child ??= this.#start();
    this.#child.catch(() => undefined);
  }

  async load(model: OnnxModel, signal?: AbortSignal): Promise<number> {
    // Of a model in parts nobody looks at the whole.
    return this.#ask('load', model.parts === undefined ? model : { ...model, bytes: new Uint8Array() }, signal);
  }

  async optimize(model: OnnxModel, target: OptimizationTarget, signal?: AbortSignal): Promise<void> {
    await this.#ask('optimize', { model, target }, signal);
  }

  async unload(session: number): Promise<void> {
    if (this.#running !== undefined) await this.#ask('unload', session);
  }

  async run(program: Program, signal?: AbortSignal): Promise<ProgramResult> {
    this.#assertLoaded(program, signal);
    const argument = (child: WorkerProcess): WireProgram => ({
      ...program,
      inputs: Object.fromEntries(
        Object.entries(program.inputs).map(([name, value]) => [
          name,
          'id' in value || 'of' in value ? value : child.send(value),
        ]),
      ),
    });
    return this.#ask('run', argument, signal, async (result, child) => {
      const received = Object.entries(result.downloaded).map(
        async ([name, wire]) => [name, await child.receive(wire)] as const,
      );
      return { ...result, downloaded: Object.fromEntries(await Promise.all(received)) };
    });
  }

  async upload(tensor: Tensor): Promise<DeviceTensor> {
    return this.#ask('upload', (child) => child.send(tensor));
  }

  async download(tensor: DeviceTensor, signal?: AbortSignal): Promise<Tensor> {
    return this.#ask('download', tensor.id, signal, (wire, child) => child.receive(wire));
  }

  async createRows(options: RowsOptions): Promise<DeviceRows> {
    return this.#ask('createRows', options);
  }

  async free(tensors: readonly (DeviceTensor | DeviceRows)[]): Promise<void> {
    if (this.#running !== undefined && tensors.length > 0)
      await this.#ask(
        'free',
        tensors.map((tensor) => tensor.id),
      );
  }

  async prefetch(ranges: readonly FileRange[], signal?: AbortSignal): Promise<void> {
    await readAhead(ranges, signal);
  }

  memory(): ProcessMemory | undefined {
    const { pid } = this;
    return pid === undefined ? undefined : readProcessMemory(pid);
  }

  async usage(): Promise<{ readonly sessions: number; readonly tensors: number }> {
    return this.#running === undefined ? { sessions: 0, tensors: 0 } : this.#ask('usage', undefined);
  }

  async trim(): Promise<void> {
    const child = this.#running;
    if (child === undefined || this.#disposed) return;
    const { sessions, tensors } = await this.usage();
    if (sessions + tensors > 0 || child.busy || this.#running !== child) return;
    this.#forget(child);
    await child.end();
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    const starting = this.#child;
    // One that is still starting, too.
    await this.#running?.end();
    await starting?.catch(() => undefined);
  }

  async #ask<M extends WorkerMethod, R = WorkerMethods[M]['answer']>(
    method: M,
    argument: WorkerMethods[M]['argument'] | ((child: WorkerProcess) => WorkerMethods[M]['argument']),
    signal?: AbortSignal,
    finish: (answer: WorkerMethods[M]['answer'], child: WorkerProcess) => R | Promise<R> = (answer) => answer as R,
  ): Promise<R> {
    if (this.#disposed) throw new ThimbleError('ERR_DISPOSED', { object: 'device' });
    signal?.throwIfAborted();
    this.#child ??= this.#start();
    const child = await this.#child;
    signal?.throwIfAborted();
    try {
      const given = typeof argument === 'function' ? argument(child) : argument;
      return await child.ask(method, given, signal, (answer) => finish(answer, child));
    } catch (error) {
      if (isThimbleError(error, 'ERR_CANCELLED') || isThimbleError(error, 'ERR_DEVICE_CRASHED'))
        signal?.throwIfAborted();
      throw error;
    }
  }

  /** A child that died while nobody asked it anything has taken its sessions with it: the next one does not know them. */
  #assertLoaded({ steps }: Program, signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#disposed || steps.every(({ session }) => this.#running !== undefined && session >= this.#firstId)) return;
    throw new ThimbleError('ERR_DEVICE_CRASHED', { reason: 'after its sessions were loaded' });
  }

  async #start(): Promise<WorkerProcess> {
    this.#generation++;
    this.#firstId = this.#generation * IDS_PER_CHILD;
    const child = new WorkerProcess(this.#options, () => this.#forget(child));
    this.#running = child;
    await child.ask('start', { options: this.#options, firstId: this.#firstId }, undefined, () => undefined);
    return child;
  }

  /** From now on the child's sessions and tensors are gone. */
  #forget(child: WorkerProcess): void {
    if (this.#running !== child) return;
    this.#running = undefined;
    this.#child = undefined;
    this.#generation++;
  }
}
