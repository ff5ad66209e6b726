import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { refuseOption } from '../fields/refuseOption.js';

/** Where Linux says what a container may take: control groups of version 2, then of version 1. */
const LIMIT_FILES = ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes'];

/**
 * The memory limit of the container that this process runs in, in bytes; `undefined` where there is none, where it is no tighter than
 * the machine itself, and where the system has no control groups.
 */
export function containerMemory(read: (file: string) => string | undefined = readText): number | undefined {
  if (typeof read !== 'function') refuseOption('read', read, 'a function that reads a file');
  const files = [...ownGroups(read('/proc/self/cgroup')), ...LIMIT_FILES];
  const limits = files
    .map((file) => Number(read(file)?.trim() ?? NaN))
    .filter((limit) => limit > 0 && limit < totalmem());
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** The limits of this process's own groups, and of those above them: any of them may be the tightest. */
function ownGroups(groups = ''): string[] {
  return groups.split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.+)$/.exec(line) ?? [];
    if (path === undefined || (controllers !== '' && controllers !== 'memory')) return [];
    const [root, file] =
      controllers === '' ? ['/sys/fs/cgroup', 'memory.max'] : ['/sys/fs/cgroup/memory', 'memory.limit_in_bytes'];
    const parts = path.split('/').filter((part) => part !== '');
    return parts.map((_, i) => `${root}/${parts.slice(0, i + 1).join('/')}/${file}`);
  });
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
