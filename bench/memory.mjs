import { readFileSync } from 'node:fs';

/** Bytes that a process holds, from /proc: resident, its highest, anonymous, file-backed. */
export function readProcessMemory(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const bytes = (field) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { resident: bytes('VmRSS'), peak: bytes('VmHWM'), anonymous: bytes('RssAnon'), file: bytes('RssFile') };
}

/** Samples a process every 50 ms until stopped; keeps the highest of each figure. */
export function watchMemory(pid) {
  const most = readProcessMemory(pid);
  const timer = setInterval(() => {
    const now = readProcessMemory(pid);
    for (const key of Object.keys(most)) most[key] = Math.max(most[key], now[key]);
  }, 50);
  return { most, stop: () => clearInterval(timer) };
}
