import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { ThimbleError } from '../errors.js';
import { fileSystemError, systemErrorCode } from './fileSystemError.js';

/** What a part of a checkpoint can be called, and so the only folders that are entered. */
const PART = /^\w[\w.-]*$/;

/** In the hub's cache, and in folders that huggingface_hub made of it, files are links to blobs, which are called by what they hold. */
const HUB_BLOB = /[/\\]models--[^/\\]+[/\\]blobs[/\\][^/\\]+$/;

/**
 * Refuses a checkpoint's folder in which a link leads outside of it, but for links into the hub's cache: a checkpoint from a stranger reads its own files alone. Looks into the folder,
 * the folders in it and `parts`, which are all that is read of a checkpoint. The folder itself may be a link, and so may a file that is named by itself.
 *
 * @param parts more of its folders, by their path in it
 * @throws ERR_LINK_OUTSIDE; ERR_FILE_ACCESS, ERR_FILE_NOT_FOUND for a folder that cannot be listed
 */
export async function refuseOutsideLinks(folder: string, parts: readonly string[] = []): Promise<void> {
  const root = await realpath(folder);
  const folders = await foldersIn(root, '');
  for (const part of new Set([...folders.filter((name) => PART.test(name)), ...parts])) await foldersIn(root, part);
}

/** Names of the folders in a folder of the checkpoint, links to folders among them. */
async function foldersIn(root: string, path: string): Promise<readonly string[]> {
  const folders: string[] = [];
  for (const entry of await entriesOf(join(root, path)))
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await leadsToFolder(root, join(path, entry.name)))))
      folders.push(entry.name);
  return folders;
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    // Whoever needs it says so.
    if (['ENOENT', 'ENOTDIR'].includes(systemErrorCode(error) ?? '')) return [];
    throw fileSystemError(error, folder, 'read');
  }
}

/** @throws ERR_LINK_OUTSIDE */
async function leadsToFolder(root: string, path: string): Promise<boolean> {
  const target = await realpath(join(root, path)).catch(() => undefined);
  // Nothing can be read by a link that leads nowhere.
  if (target === undefined) return false;
  if (!isInside(root, target) && !HUB_BLOB.test(target))
    throw new ThimbleError('ERR_LINK_OUTSIDE', { folder: root, path, target });
  return (await stat(target)).isDirectory();
}

function isInside(root: string, target: string): boolean {
  const way = relative(root, target);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
