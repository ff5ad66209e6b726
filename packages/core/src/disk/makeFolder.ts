import { checkPath } from '../fields/checkPath.js';
import { mkdir, rmdir, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { systemErrorCode } from './fileSystemError.js';

/**
 * Makes a folder and those around it that are missing. In place of Node's `mkdir(path, { recursive: true })`, which never ends where a file system says that
 * a folder does not exist though the one around it does: below `/proc`.
 *
 * @returns the outermost folder that was made; `undefined` if all were there
 * @throws the system's error; then none of them is left
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  checkPath('path', path, 'the path of a folder');
  const folder = resolve(path);
  const failure = await tryMake(folder);
  if (failure === undefined) return folder;
  if (await isFolder(folder)) return undefined;
  const around = dirname(folder);
  if (systemErrorCode(failure) !== 'ENOENT' || around === folder) throw failure;
  const first = await makeFolder(around);
  const again = await tryMake(folder);
  if (again !== undefined && !(await isFolder(folder))) {
    if (first !== undefined) await takeBack(around, first);
    throw again;
  }
  return first ?? folder;
}

/** Removes folders that were made, from the innermost to the outermost, as far as nobody has put anything there. */
async function takeBack(innermost: string, outermost: string): Promise<void> {
  for (let at = innermost; at.length >= outermost.length; at = dirname(at)) await rmdir(at).catch(() => undefined);
}

async function tryMake(folder: string): Promise<Error | undefined> {
  return mkdir(folder).then(
    () => undefined,
    (error: unknown) => error as Error,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
