import type { ProcessMemory } from '../../device/ProcessMemory.js';

/** What a pipeline holds. */
export interface MemoryReport {
  /** The process that runs the pipeline. */
  readonly main: ProcessMemory;
  /** The device's child process; absent if the device has none, or it is not running. */
  readonly device?: ProcessMemory | undefined;
  /** Weights of the components that are loaded now, in bytes as stored, by name; nothing for one that is not. */
  readonly loaded: Readonly<Record<string, number>>;
}
