import { checkDeviceOptions } from './checkDeviceOptions.js';
import type { Tensor } from 'onnxruntime-common';
import { isThimbleError, ThimbleError } from '../errors.js';
import type { Device } from './Device.js';
import type { DeviceOptions } from './DeviceOptions.js';
import type { DeviceRows, RowsOptions } from './DeviceRows.js';
import type { DeviceTensor } from './DeviceTensor.js';
import type { ExecutionProvider } from './ExecutionProvider.js';
import type { FileRange } from './FileRange.js';
import type { OnnxModel } from './OnnxModel.js';
import type { OptimizationTarget } from './OptimizationTarget.js';
import type { ProcessMemory } from './ProcessMemory.js';
import type { Program, ProgramResult } from './Program.js';
import { readAhead } from './readAhead.js';
import { Runtime } from './Runtime.js';

/** A device in this process: it blocks the event loop while it computes, and not all of its memory comes back. For tests and embedding. */
export class InlineDevice implements Device {
  readonly provider: ExecutionProvider;
  readonly generation = 1;
  readonly #runtime: Runtime;
  #disposed = false;

  constructor(options: DeviceOptions) {
    checkDeviceOptions(options);
    this.provider = options.provider;
    this.#runtime = new Runtime(options);
  }

  async load(model: OnnxModel, signal?: AbortSignal): Promise<number> {
    signal?.throwIfAborted();
    return this.#alive().load(model);
  }

  async optimize(model: OnnxModel, target: OptimizationTarget, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    await this.#alive().optimize(model, target);
  }

  async unload(session: number): Promise<void> {
    await this.#runtime.unload(session);
  }

  async run(program: Program, signal?: AbortSignal): Promise<ProgramResult> {
    signal?.throwIfAborted();
    try {
      return await this.#alive().run(program, () => signal?.aborted === true);
    } catch (error) {
      if (isThimbleError(error, 'ERR_CANCELLED')) signal?.throwIfAborted();
      throw error;
    }
  }

  async upload(tensor: Tensor): Promise<DeviceTensor> {
    return this.#alive().upload(tensor);
  }

  async download(tensor: DeviceTensor): Promise<Tensor> {
    return this.#alive().download(tensor.id);
  }

  async createRows(options: RowsOptions): Promise<DeviceRows> {
    return this.#alive().createRows(options);
  }

  async free(tensors: readonly (DeviceTensor | DeviceRows)[]): Promise<void> {
    this.#runtime.free(tensors.map((tensor) => tensor.id));
  }

  async prefetch(ranges: readonly FileRange[], signal?: AbortSignal): Promise<void> {
    await readAhead(ranges, signal);
  }

  memory(): ProcessMemory | undefined {
    return undefined;
  }

  async usage(): Promise<{ readonly sessions: number; readonly tensors: number }> {
    return this.#runtime.usage;
  }

  async trim(): Promise<void> {
    // What freed memory is good for is up to this process's allocator.
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await this.#runtime.dispose();
  }

  #alive(): Runtime {
    if (this.#disposed) throw new ThimbleError('ERR_DISPOSED', { object: 'device' });
    return this.#runtime;
  }
}
