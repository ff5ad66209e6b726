import type { MemoryReport } from '@thimble/core';
import { formatBytes } from './formatBytes.js';

/** What both processes hold, in short: `memory 84 + 412 MB`. */
export function formatMemory({ main, device }: MemoryReport): string {
  if (device === undefined) return `memory ${formatBytes(main.residentBytes)}`;
  const [first, second] = [formatBytes(main.residentBytes), formatBytes(device.residentBytes)];
  const unit = / \w+$/.exec(second)?.[0] ?? '';
  return `memory ${first.endsWith(unit) ? first.slice(0, -unit.length) : first} + ${second}`;
}

/** The most that both processes held, in full, for someone who reads it for the first time. */
export function formatPeakMemory({ main, device }: MemoryReport): string {
  const own = `${formatBytes(main.residentBytes)} in the main process`;
  if (device === undefined) return own;
  return `${own}, ${formatBytes(device.residentBytes)} in the device process (of it up to ${formatBytes(device.fileBytes)} mapped files, which the system can take back)`;
}
