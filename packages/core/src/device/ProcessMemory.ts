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
  const text = read(`/proc/${pid}/status`);
  if (text === undefined) return undefined;
  const status = `\n${text}`;
  return {
    residentBytes: bytesOf(status, 'VmRSS'),
    anonymousBytes: bytesOf(status, 'RssAnon'),
    fileBytes: bytesOf(status, 'RssFile') + bytesOf(status, 'RssShmem'),
  };
}

/** What this process holds; where there is no `/proc`, all of it is counted as anonymous. */
export function readOwnMemory(read = readText): ProcessMemory {
  const known = readProcessMemory(process.pid, read);
  if (known !== undefined) return known;
  // Asked only here: a run measures twenty times a second.
  const residentBytes = process.memoryUsage.rss();
  return { residentBytes, anonymousBytes: residentBytes, fileBytes: 0 };
}

/** A field of `/proc/PID/status`. No regular expression, which would be compiled for each at every sample. */
function bytesOf(status: string, field: string): number {
  const at = status.indexOf(`\n${field}:`);
  return at < 0 ? 0 : Number.parseInt(status.slice(at + field.length + 2), 10) * 1024;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
