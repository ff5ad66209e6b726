import type { MemoryReport } from './MemoryReport.js';

/** Memory of one run. */
export interface RunMemory {
  /** The most that each process held at once, sampled every 50 ms; each field for itself. */
  readonly peak: MemoryReport;
  /** What the processes hold at the end. */
  readonly end: MemoryReport;
}
