import type { Tensor } from 'onnxruntime-common';
import type { ErrorCode } from '../errors.js';
import type { DeviceRows, RowRange, RowsOptions } from './DeviceRows.js';
import type { DeviceTensor } from './DeviceTensor.js';
import type { DeviceOptions } from './DeviceOptions.js';
import type { OnnxModel } from './OnnxModel.js';
import type { OptimizationTarget } from './OptimizationTarget.js';
import type { Program } from './Program.js';

/** The worker's file descriptor for the bytes of large tensors, both ways. */
export const TENSOR_PIPE = 4;

/** A tensor as it travels between processes. */
export interface WireTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly data: Tensor.DataType;
}

/** A large tensor on its way between processes: its bytes come over the pipe, after those of the ones before it. */
export interface PipedTensor {
  readonly type: string;
  readonly dims: readonly number[];
  readonly byteLength: number;
}

/** A program as it travels between processes. */
export interface WireProgram extends Omit<Program, 'inputs'> {
  readonly inputs: Readonly<Record<string, WireTensor | PipedTensor | DeviceTensor | RowRange>>;
}

/** What a program gave, as it travels between processes. */
export interface WireResult {
  readonly downloaded: Readonly<Record<string, WireTensor | PipedTensor>>;
  readonly kept: Readonly<Record<string, DeviceTensor>>;
  readonly durations: readonly number[];
}

/** What the worker can be asked: method → argument and answer. */
export interface WorkerMethods {
  start: { argument: { readonly options: DeviceOptions; readonly firstId: number }; answer: undefined };
  load: { argument: OnnxModel; answer: number };
  optimize: { argument: { readonly model: OnnxModel; readonly target: OptimizationTarget }; answer: undefined };
  unload: { argument: number; answer: undefined };
  run: { argument: WireProgram; answer: WireResult };
  upload: { argument: WireTensor | PipedTensor; answer: DeviceTensor };
  download: { argument: number; answer: WireTensor | PipedTensor };
  createRows: { argument: RowsOptions; answer: DeviceRows };
  free: { argument: readonly number[]; answer: undefined };
  usage: { argument: undefined; answer: { readonly sessions: number; readonly tensors: number } };
}

/** The name of a method of the worker. */
export type WorkerMethod = keyof WorkerMethods;

/** A question to the worker; `cancel` concerns the question with that number and has no answer. */
export type WorkerRequest =
  | {
      readonly [M in WorkerMethod]: {
        readonly id: number;
        readonly method: M;
        readonly argument: WorkerMethods[M]['argument'];
      };
    }[WorkerMethod]
  | { readonly id: number; readonly method: 'cancel' };

/** The worker's answer. */
export type WorkerResponse =
  | { readonly id: number; readonly ok: true; readonly answer: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly code: ErrorCode | undefined;
      readonly details: object;
      /** Whether it was a RangeError: what was asked for is not there, and nothing of the runtime failed. */
      readonly outOfRange: boolean;
      /** What the error was made of, in the words of the runtime or of the system. */
      readonly cause: string | undefined;
    };
