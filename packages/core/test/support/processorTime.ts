import { readFileSync } from 'node:fs';

/** Milliseconds of a processor that `work` took in this process: on a busy machine it takes longer, and not more. */
export async function processorTimeOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Milliseconds of a processor that another process has taken since it began, to 10. */
export function processorTimeOfProcess(pid: number): number {
  const status = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const [user, system] = status.slice(status.lastIndexOf(')')).split(' ').slice(12, 14).map(Number) as [number, number];
  return (user + system) * 10;
}
