import type { SafetensorsDtype } from './SafetensorsDtype.js';

/** Where a tensor lies on disk: enough to map or read it without parsing the file again. Plain data. */
export interface TensorInfo {
  /** State-dict key, such as `down_blocks.0.resnets.0.conv1.weight`. */
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  /** Row-major dimensions; empty for a scalar. */
  readonly shape: readonly number[];
  /** Absolute path of the file with every symbolic link resolved, since ONNX Runtime maps only real files. */
  readonly file: string;
  /** Byte offset from the start of `file`. */
  readonly offset: number;
  /** Bytes from `offset` on: the product of `shape` times the element's size. */
  readonly byteLength: number;
}
