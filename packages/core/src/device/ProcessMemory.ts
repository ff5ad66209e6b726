/** What one process holds, in bytes, as the operating system counts it. */
export interface ProcessMemory {
  /** Pages in memory: anonymous and file-backed. */
  readonly residentBytes: number;
  /** Pages that are nobody's copy, so only swapping could free them. */
  readonly anonymousBytes: number;
  /** Pages of mapped files, such as weights: the system takes them back under pressure. */
  readonly fileBytes: number;
}
