/** What one process holds, in bytes, as the operating system counts it. */
export interface ProcessMemory {
  /** Pages in memory: anonymous and file-backed. */
  readonly residentBytes: number;
  /** Pages that are nobody's copy, so only swapping could free them. */
  readonly anonymousBytes: number;
  /** Pages of mapped files, such as weights: the system takes them back under pressure. */
  readonly fileBytes: number;
}

/** What a pipeline holds. */
export interface MemoryReport {
  /** The process that runs the pipeline. */
  readonly main: ProcessMemory;
  /** The device's child process; absent if the device has none, or it is not running. */
  readonly device?: ProcessMemory | undefined;
}
