import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { Convolution } from '../graph/passes/winograd/chooseConvolution.js';
import type { PluginRecord } from './PluginRecord.js';
import type { MemoryReport } from '../hooks/calls/MemoryReport.js';
import type { RunCalls } from './RunCalls.js';
import type { Tokenizer } from '../tokenizers/Tokenizer.js';

/** What a plugin may know of the pipeline it is in. The pipeline implements it. */
export interface PluginHostPipeline {
  /** By name: `unet`, `vae`, `text_encoder`. Read it when needed: components can be replaced. */
  readonly components: Readonly<Record<string, ComponentHandle>>;
  /** By name: `tokenizer`, `tokenizer_2`; none until the checkpoint is open. */
  readonly tokenizers: Readonly<Record<string, Tokenizer>>;
  /** The installed plugins, in the order in which they were installed. */
  readonly plugins: readonly PluginRecord[];
  /** What both processes together may take, in bytes; `undefined` = no limit. */
  readonly memoryLimit: number | undefined;
  /** What its runs call. */
  readonly calls: RunCalls;
  /** How 3×3 convolutions are computed on the CPU. */
  readonly convolution: Convolution;
  /** Measures what the pipeline holds now. */
  memory(): Promise<MemoryReport>;
  /** Gives memory back that the device holds and nothing needs. Worth calling when everything is unloaded. */
  trim(): Promise<void>;
  /** Tells the user something that is no error, as a `warning` event. `code` is stable, for tests and filters. */
  warn(code: string, message: string): void;
  /** Tells how far something that takes long has come, as a `progress` event. */
  progress(task: string, done: number, total: number): void;
}
