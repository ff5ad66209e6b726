import { AssertionError } from 'node:assert';
import { type MemoryReport, parseBytes, type RunMemory } from '@thimble/core';
import { checkMembers, type ProcessMemory } from '@thimble/core/plugin';

/** Which memory {@link expectPeakBytesBelow} looks at. */
export interface PeakBytesOptions {
  /** `anonymous` (default): what only swapping could free. `resident`: with pages of mapped files, such as weights. */
  readonly kind?: 'anonymous' | 'resident' | undefined;
  /** `device` (default): the process that computes. `main`: that of the pipeline, and of the test. `both`: the sum of their peaks. */
  readonly process?: 'both' | 'main' | 'device' | undefined;
}

/**
 * Checks that a run took less than `limit`, by what `generate` measured (sampled every 50 ms).
 *
 * @param memory `result.memory` of a run
 * @param limit bytes, or a text such as `'200MB'` (MB = 2^20 bytes)
 * @throws AssertionError that says what it took; also where the device has no process of its own and is asked for
 */
export function expectPeakBytesBelow(memory: RunMemory, limit: number | string, options: PeakBytesOptions = {}): void {
  checkMembers('memory', memory, 'the memory of a run', ['peak']);
  checkMembers('memory.peak', memory.peak, 'the memory of a run', ['main']);
  const bytes = parseBytes(limit, 'limit');
  const peak = peakOf(memory.peak, options);
  if (peak < bytes) return;
  const { kind = 'anonymous', process = 'device' } = options;
  throw failure(
    `the run took ${peak} bytes at its peak (${kind}, ${process}); expected less than ${bytes}`,
    peak,
    bytes,
  );
}

function peakOf(report: MemoryReport, { kind = 'anonymous', process = 'device' }: PeakBytesOptions): number {
  const bytesOf = (memory: ProcessMemory): number =>
    kind === 'anonymous' ? memory.anonymousBytes : memory.residentBytes;
  if (process === 'main') return bytesOf(report.main);
  const device = bytesOf(report.device ?? noDevice());
  return process === 'both' ? bytesOf(report.main) + device : device;
}

function noDevice(): never {
  throw failure(
    "the device has no process of its own; create the pipeline with device: 'process'",
    undefined,
    'a process',
  );
}

function failure(message: string, actual: unknown, expected: unknown): AssertionError {
  return new AssertionError({ message, actual, expected, operator: 'expectPeakBytesBelow' });
}
