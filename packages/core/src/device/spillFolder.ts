import { checkPath } from '../fields/checkPath.js';
import { checkNumber } from '../fields/checkNumber.js';
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { ThimbleError } from '../errors.js';

/** Kinds of file systems that lie in memory, as `statfs` numbers them: tmpfs and ramfs. */
const IN_MEMORY: ReadonlySet<number> = new Set([0x01021994, 0x858458f6]);

/** Where files may be written that last no longer than a run: the system's own place, and on systems like Unix the one for large ones. */
export function temporaryFolders(platform = process.platform): readonly string[] {
  return platform === 'win32' ? [tmpdir()] : [tmpdir(), '/var/tmp'];
}

/**
 * The folder for values that memory has no room for: `tempDir`, else the system's for temporary files, unless that lies in memory itself.
 *
 * @throws ERR_ARGUMENT_INVALID if `tempDir` is no folder, or lies in memory; ERR_DISK_FULL if there is less room than `bytes`
 */
export async function spillFolder(tempDir: string | undefined, bytes: number): Promise<string> {
  checkNumber('bytes', bytes, 0);
  if (tempDir !== undefined) checkPath('tempDir', tempDir, 'the path of a folder');
  const candidates = tempDir === undefined ? [...temporaryFolders(), '.'] : [tempDir];
  const disks = await Promise.all(candidates.map(diskOf));
  const found = disks.find((disk) => disk !== undefined && !disk.inMemory);
  if (found === undefined)
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'tempDir',
      value: tempDir,
      expected: 'a folder on a disk: files in memory (tmpfs) would count against the limit they are to keep',
    });
  if (found.freeBytes < bytes)
    throw new ThimbleError('ERR_DISK_FULL', { path: found.folder, neededBytes: bytes, freeBytes: found.freeBytes });
  return found.folder;
}

interface Disk {
  readonly folder: string;
  readonly inMemory: boolean;
  readonly freeBytes: number;
}

async function diskOf(folder: string): Promise<Disk | undefined> {
  try {
    const { type, bavail, bsize } = await statfs(folder);
    return { folder, inMemory: IN_MEMORY.has(type), freeBytes: bavail * bsize };
  } catch {
    return undefined;
  }
}
