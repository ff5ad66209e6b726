import { mkdtemp, readdir, readFile, realpath, rename, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { ThimbleError } from '@thimble/core';
import { fileSystemError, holdFileLock, makeFolder } from '@thimble/core/plugin';
import { TRACE_MANIFEST } from './TraceManifest.js';

/**
 * Puts a trace into a folder: a new or empty one, or one that holds a trace, which is replaced. It is written in a folder of its own there first, and moved to
 * its place when it is whole. If that fails, the folder is what it was; what else lies there is never touched.
 *
 * @param write writes the trace into the folder that it is given
 * @returns the folder, absolute and without links
 * @throws ERR_ARGUMENT_INVALID for a folder that holds something else, before anything is written; ERR_DISK_FULL, ERR_FILE_ACCESS; what `write` throws
 */
export async function publishTrace(dir: string, write: (staging: string) => Promise<void>): Promise<string> {
  const target = resolve(dir);
  await assertTraceFolder(target, dir);
  const made = await makeFolder(target).catch((error: unknown) => {
    throw fileSystemError(error, dir, 'write');
  });
  try {
    const folder = await realpath(target);
    const staging = await mkdtemp(join(folder, '.tmp-'));
    try {
      await write(staging);
      await holdFileLock(`${folder}.lock`, undefined, async () => replace(folder, staging));
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
    return folder;
  } catch (error) {
    if (made !== undefined) await removeEmpty(target, made);
    throw fileSystemError(error, dir, 'write');
  }
}

/** @throws ERR_ARGUMENT_INVALID unless a trace may be put there */
async function assertTraceFolder(target: string, dir: string): Promise<void> {
  const present = await readdir(target).catch((error: unknown): string[] => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fileSystemError(error, dir, 'read');
  });
  if (present.length === 0 || present.includes(TRACE_MANIFEST)) return;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', {
    argument: 'dir',
    value: dir,
    expected: 'a folder that is new or empty, or holds a trace',
  });
}

/** The manifest goes first and comes last: without it a folder is no trace. What is there is moved aside, and back if not all of the new one can come. */
async function replace(folder: string, staging: string): Promise<void> {
  const old = [TRACE_MANIFEST, ...(await segmentsOf(folder))];
  const names = await readdir(staging);
  const aside = await mkdtemp(join(folder, '.tmp-'));
  const removed: string[] = [];
  const placed: string[] = [];
  try {
    for (const name of old) if (await moveIfThere(join(folder, name), join(aside, name))) removed.push(name);
    for (const name of [...names.filter((other) => other !== TRACE_MANIFEST), TRACE_MANIFEST]) {
      await rename(join(staging, name), join(folder, name));
      placed.push(name);
    }
  } catch (error) {
    for (const name of placed) await rm(join(folder, name), { recursive: true, force: true });
    for (const name of removed.toReversed()) await rename(join(aside, name), join(folder, name));
    throw error;
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}

async function moveIfThere(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** The folders that belong to the trace that is there; none where its manifest cannot be read. */
async function segmentsOf(folder: string): Promise<readonly string[]> {
  try {
    const { segments } = JSON.parse(await readFile(join(folder, TRACE_MANIFEST), 'utf8')) as { segments?: unknown };
    return Array.isArray(segments) ? segments.filter(isFolderName) : [];
  } catch {
    return [];
  }
}

/** A manifest from elsewhere must not have folders deleted that lie outside. */
function isFolderName(name: unknown): name is string {
  return typeof name === 'string' && /^\w[\w.-]*$/.test(name);
}

/** Takes the folders back that were made, from `folder` up to `first`, as far as they are empty. */
async function removeEmpty(folder: string, first: string): Promise<void> {
  for (let at = folder; at.length >= first.length; at = dirname(at)) {
    try {
      await rmdir(at);
    } catch {
      return;
    }
  }
}
