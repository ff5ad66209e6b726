import type { MemoryReport } from '@thimble/core';
import { formatBytes } from './formatBytes.js';

/** What both processes hold, in short: `memory 84 + 412 MB`. */
export function formatMemory({ main, device }: MemoryReport): string {
  if (device === undefined) return `memory ${formatBytes(main.residentBytes)}`;
  const [first, second] = [formatBytes(main.residentBytes), formatBytes(device.residentBytes)];
  const unit = / \w+$/.exec(second)?.[0] ?? '';
  return `memory ${first.endsWith(unit) ? first.slice(0, -unit.length) : first} + ${second}`;
}

/** The most that both processes held, on one line. */
export function formatPeakMemory({ main, device }: MemoryReport): string {
  const own = `peak memory: ${formatBytes(main.residentBytes)} main process`;
  return device === undefined
    ? own
    : `${own}, ${formatBytes(device.residentBytes)} device process (${formatBytes(device.fileBytes)} mapped files)`;
}
