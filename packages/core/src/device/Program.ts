import type { Tensor } from 'onnxruntime-common';
import type { RowRange } from './DeviceRows.js';
import type { StreamedWeight } from './OnnxModel.js';
import type { DeviceTensor } from './DeviceTensor.js';

/** One session's turn in a {@link Program}. */
export interface ProgramStep {
  /** From {@link Device.load}. */
  readonly session: number;
  /** Graph input → value of the program. */
  readonly feeds: Readonly<Record<string, string>>;
  /** Graph output → value of the program; outputs that are not named are not computed into anything. */
  readonly results: Readonly<Record<string, string>>;
  /** Values that nothing needs after this step. */
  readonly release: readonly string[];
}

/** Sessions to run one after the other, with the values that pass between them. */
export interface Program {
  /** Values at the start: tensors are copied to the device, handles are used where they lie and stay valid, rows are read. */
  readonly inputs: Readonly<Record<string, Tensor | DeviceTensor | RowRange>>;
  /** Names among the inputs whose handles are freed on the way, where the steps release them. */
  readonly consumed?: readonly string[];
  readonly steps: readonly ProgramStep[];
  /** Weights that will be read after this: what the device may begin with while it computes. */
  readonly ahead?: readonly StreamedWeight[];
  /** Values at the end: copied back, kept on the device for later, or written into rows. */
  readonly outputs: Readonly<Record<string, 'download' | 'keep' | RowRange>>;
}

/** What a {@link Program} gave. */
export interface ProgramResult {
  readonly downloaded: Readonly<Record<string, Tensor>>;
  readonly kept: Readonly<Record<string, DeviceTensor>>;
  /** Milliseconds per step. */
  readonly durations: readonly number[];
}
