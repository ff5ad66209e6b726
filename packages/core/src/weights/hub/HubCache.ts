import { lstat, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { makeFolder } from '../../disk/makeFolder.js';
import { fileSystemError, systemErrorCode } from '../../disk/fileSystemError.js';
import { writeFileAtomically } from '../../disk/writeFileAtomically.js';
import type { HubFile } from './HubClient.js';
import { isCommit } from './HubModelId.js';
import { linkOrCopy } from './linkOrCopy.js';

/**
 * One model's folder in the cache that Python's huggingface_hub uses too: `blobs/HASH`, `snapshots/COMMIT/PATH` (links to
 * blobs), `refs/REVISION` (files that hold a commit).
 */
export class HubCache {
  /** The model's folder. */
  readonly folder: string;

  /**
   * @param cacheDir the cache's folder
   * @param id `owner/name`
   */
  constructor(cacheDir: string, id: string) {
    this.folder = join(cacheDir, `models--${id.replaceAll('/', '--')}`);
  }

  /** Where a file's contents are, or will be. */
  blob(file: HubFile): string {
    return join(this.folder, 'blobs', file.etag);
  }

  /** The folder that looks like the repository at `commit`. */
  snapshot(commit: string): string {
    return join(this.folder, 'snapshots', commit);
  }

  /** The commit that `revision` had when it was last downloaded. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (isCommit(revision)) return revision;
    const text = await ifThere(() => readFile(join(this.folder, 'refs', revision), 'utf8'));
    return text !== undefined && isCommit(text.trim()) ? text.trim() : undefined;
  }

  /**
   * Records which commit `revision` has.
   *
   * @throws `ERR_FILE_ACCESS`, `ERR_DISK_FULL`
   */
  async setCommitOf(revision: string, commit: string): Promise<void> {
    if (isCommit(revision)) return;
    const ref = join(this.folder, 'refs', revision);
    try {
      await makeFolder(dirname(ref));
      await writeFileAtomically(ref, Buffer.from(commit));
    } catch (error) {
      throw fileSystemError(error, ref, 'write');
    }
  }

  /** Paths of the snapshot's files whose contents are there, with forward slashes. */
  async paths(commit: string): Promise<readonly string[]> {
    const snapshot = this.snapshot(commit);
    const names = (await ifThere(() => readdir(snapshot, { recursive: true }))) ?? [];
    const present = await Promise.all(
      names.map(async (name) => (await ifThere(() => stat(join(snapshot, name))))?.isFile()),
    );
    return names.filter((_, i) => present[i]).map((name) => name.replaceAll(sep, '/'));
  }

  /** Bytes of a file's blob; `undefined` where it is not there. */
  async blobSize(file: HubFile): Promise<number | undefined> {
    return (await ifThere(() => stat(this.blob(file))))?.size;
  }

  /**
   * Makes a file appear in a snapshot, as a relative link to its blob, or a copy where links are not possible.
   *
   * @throws `ERR_FILE_ACCESS`, `ERR_DISK_FULL`
   */
  async link(file: HubFile, commit: string): Promise<void> {
    const path = join(this.snapshot(commit), ...file.path.split('/'));
    const blob = this.blob(file);
    try {
      if ((await ifThere(() => stat(path)))?.size === file.size) return;
      await makeFolder(dirname(path));
      if ((await ifThere(() => lstat(path))) !== undefined) await rm(path);
      await linkOrCopy(blob, path);
    } catch (error) {
      throw fileSystemError(error, path, 'write');
    }
  }
}

async function ifThere<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
