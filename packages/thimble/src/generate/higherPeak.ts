import type { MemoryReport } from '@thimble/core';

/** Encoding pictures and videos takes memory too, after the run. */
export function higherPeak(peak: MemoryReport, now: MemoryReport): MemoryReport {
  return now.main.residentBytes > peak.main.residentBytes ? { ...peak, main: now.main } : peak;
}
