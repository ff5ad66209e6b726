import { cp, readdir, rename, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ThimbleError } from '@thimble/core';

/** Copies a trace to a folder: a new or empty one, or one that holds a trace, which is replaced. @throws ERR_ARGUMENT_INVALID for another one */
export async function copyTrace(folder: string, dir: string): Promise<void> {
  const target = resolve(dir);
  const present = await readdir(target).catch((): string[] => []);
  if (present.length > 0 && !present.includes('trace.json'))
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'dir',
      value: dir,
      expected: 'a folder that is new or empty, or holds a trace',
    });
  if (target === folder) return;
  const written = `${target}.${process.pid}.tmp`;
  try {
    await cp(folder, written, { recursive: true });
    await rm(target, { recursive: true, force: true });
    await rename(written, target);
  } catch (error) {
    await rm(written, { recursive: true, force: true });
    throw error;
  }
}
