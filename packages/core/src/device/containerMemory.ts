import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';

/** Where Linux says what a container may take: control groups of version 2, then of version 1. */
const LIMIT_FILES = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'];

/**
 * The memory limit of the container that this process runs in, in bytes; `undefined` where there is none, or where it is no tighter than
 * the machine itself.
 */
export function containerMemory(): number | undefined {
  const limits = [...ownGroups(), ...LIMIT_FILES].map(readLimit).filter((limit) => limit > 0 && limit < totalmem());
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** The limits of this process's own groups, and of those above them: any of them may be the tightest. */
function ownGroups(): string[] {
  const lines = read('/proc/self/cgroup')?.split('\n') ?? [];
  return lines.flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.+)$/.exec(line) ?? [];
    if (path === undefined || (controllers !== '' && controllers !== 'memory')) return [];
    const [root, file] =
      controllers === '' ? ['/sys/fs/cgroup', 'memory.max'] : ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'];
    const parts = path.split('/').filter((part) => part !== '');
    return parts.map((_, i) => `${root}/${parts.slice(0, i + 1).join('/')}/${file}`);
  });
}

function readLimit(file: string): number {
  return Number(read(file)?.trim() ?? NaN);
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
