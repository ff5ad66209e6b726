import type { Tensor } from 'onnxruntime-common';
import type { DeviceRows, RowsOptions } from './DeviceRows.js';
import type { DeviceTensor } from './DeviceTensor.js';
import type { ExecutionProvider } from './ExecutionProvider.js';
import type { FileRange } from './FileRange.js';
import type { OnnxModel } from './OnnxModel.js';
import type { OptimizationTarget } from './OptimizationTarget.js';
import type { ProcessMemory } from './ProcessMemory.js';
import type { Program, ProgramResult } from './Program.js';

/** Runs graphs. Sessions and tensors are numbers here; what they stand for lies on the device. */
export interface Device {
  readonly provider: ExecutionProvider;
  /** Grows when the sessions and tensors of before are gone, as after a crash of the device's process. */
  readonly generation: number;
  /**
   * Makes a session of a graph; weights are mapped, not read. The runtime cannot be interrupted meanwhile: a device in a process of its own that does not heed
   * an aborted `signal` is ended, as in {@link Device.run}.
   *
   * @throws `signal.reason`, ERR_RUNTIME_LOAD, ERR_DEVICE_UNAVAILABLE, ERR_DEVICE_CRASHED
   */
  load(model: OnnxModel, signal?: AbortSignal): Promise<number>;
  /**
   * Optimises a graph once and writes it to a folder, to be loaded later as it is. Valid only for the same version of the runtime, and with weights of its own
   * only on the same kind of processor.
   *
   * @throws as {@link Device.load}
   */
  optimize(model: OnnxModel, target: OptimizationTarget, signal?: AbortSignal): Promise<void>;
  /** Frees a session; nothing if it is gone. */
  unload(session: number): Promise<void>;
  /**
   * Runs sessions one after the other. An aborted `signal` stops it after the session that is running; if that takes long, a
   * device in a process of its own is ended and started afresh at the next call.
   *
   * @throws `signal.reason`, ERR_RUNTIME_RUN, ERR_OUT_OF_MEMORY, ERR_DEVICE_CRASHED; ERR_DISK_FULL if rows do not fit their disk
   */
  run(program: Program, signal?: AbortSignal): Promise<ProgramResult>;
  /** Copies a tensor to the device. */
  upload(tensor: Tensor): Promise<DeviceTensor>;
  /** Copies a tensor back. @throws `signal.reason`, ERR_DEVICE_TENSOR_GONE */
  download(tensor: DeviceTensor, signal?: AbortSignal): Promise<Tensor>;
  /** Makes room for a tensor that is written and read by rows. @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS, ERR_DISK_FULL */
  createRows(options: RowsOptions): Promise<DeviceRows>;
  /** Frees tensors and rows; those that are gone are passed over. */
  free(tensors: readonly (DeviceTensor | DeviceRows)[]): Promise<void>;
  /** Brings file ranges into the page cache. */
  prefetch(ranges: readonly FileRange[], signal?: AbortSignal): Promise<void>;
  /** What the device's own process holds; `undefined` if it has none, or if it is not running. */
  memory(): ProcessMemory | undefined;
  /** How many sessions and tensors (rows among them) are there now. */
  usage(): Promise<{ readonly sessions: number; readonly tensors: number }>;
  /** Gives memory back that nothing needs: a device's own process that holds neither sessions nor tensors is ended; the next call starts one. */
  trim(): Promise<void>;
  /** Frees everything and ends the device's process. Later calls throw ERR_DISPOSED. */
  dispose(): Promise<void>;
}
