import type { MemoryReport } from '@thimble/core';

const BYTE_UNITS = ['bytes', 'KB', 'MB', 'GB', 'TB'] as const;
const COUNT_UNITS = ['', ' k', ' M', ' G', ' T'] as const;

/** Bytes for people, by powers of two, as everywhere in thimble: `84 MB` are 84 · 2^20 bytes, `1.7 GB` 1.7 · 2^30. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1023.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${BYTE_UNITS[unit]}`;
}

/** A count for people: `859.5 M`. */
export function formatCount(count: number): string {
  let unit = 0;
  let value = count;
  while (value >= 999.95 && unit < COUNT_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)}${COUNT_UNITS[unit]}`;
}

/** A duration for people: `0.42 s`, `3.2 s`, `42 s`, `3 min 20 s`, `1 h 5 min`. */
export function formatDuration(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 0.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

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
