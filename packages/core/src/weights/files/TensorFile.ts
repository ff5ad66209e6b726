import type { TensorView } from '../TensorView.js';

/** A file of tensors whose header was read and checked. It holds no file open, and no data in memory. */
export interface TensorFile {
  /** Absolute path with every symbolic link resolved. */
  readonly path: string;
  /** By name. Shapes are row-major, as PyTorch has them, whatever the order is in the file. */
  readonly tensors: ReadonlyMap<string, TensorView>;
  /** What the header says beside the tensors; empty where it says nothing. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Set where its metadata hold the tokenizer of a text encoder: makes the files of a tokenizer's folder, by name. */
  readonly tokenizerFiles?: (() => Promise<ReadonlyMap<string, string>>) | undefined;
}

/** A format of files of tensors, such as safetensors: how such a file is known, and how it is opened. */
export interface TensorFileFormat {
  readonly name: string;
  /** How such files are called, with the dot; for messages, and for files on the hub. */
  readonly extensions: readonly string[];
  /** Whether a file is of this format, by its first bytes: 16, or all of a shorter one. */
  readonly matches: (head: Uint8Array) => boolean;
  /** Reads and checks the header; never the data. @throws ThimbleError, or an error with a code of the format's own */
  readonly open: (path: string) => Promise<TensorFile>;
}
