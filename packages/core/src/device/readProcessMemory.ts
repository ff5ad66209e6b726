import { readFileSync } from 'node:fs';
import type { ProcessMemory } from './ProcessMemory.js';

/**
 * Reads what a process holds from `/proc`, without disturbing it; `undefined` where there is no such process or no `/proc`.
 */
export function readProcessMemory(pid: number): ProcessMemory | undefined {
  const status = readStatus(pid);
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
export function readOwnMemory(): ProcessMemory {
  const residentBytes = process.memoryUsage.rss();
  return readProcessMemory(process.pid) ?? { residentBytes, anonymousBytes: residentBytes, fileBytes: 0 };
}

function readStatus(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return undefined;
  }
}
