import { readFileSync } from 'node:fs';

/** What one process holds, in bytes, as the operating system counts it. */
export interface ProcessMemory {
  /** Pages in memory: anonymous and file-backed. */
  readonly residentBytes: number;
  /** Pages that are nobody's copy, so only swapping could free them. */
  readonly anonymousBytes: number;
  /** Pages of mapped files, such as weights: the system takes them back under pressure. */
  readonly fileBytes: number;
}

/**
 * Reads what a process holds from `/proc`, without disturbing it; `undefined` where there is no such process or no `/proc`.
 */
export function readProcessMemory(pid: number, read = readText): ProcessMemory | undefined {
  const status = read(`/proc/${pid}/status`);
  if (status === undefined) return undefined;
  const bytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return {
    residentBytes: bytes('VmRSS'),
    anonymousBytes: bytes('RssAnon'),
    fileBytes: bytes('RssFile') + bytes('RssShmem'),
  };
}

/** What this process holds; where there is no `/proc`, all of it is counted as anonymous. */
export function readOwnMemory(read = readText): ProcessMemory {
  const residentBytes = process.memoryUsage.rss();
  return readProcessMemory(process.pid, read) ?? { residentBytes, anonymousBytes: residentBytes, fileBytes: 0 };
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
