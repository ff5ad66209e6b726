import { copyFile, symlink } from 'node:fs/promises';
import { dirname, relative } from 'node:path';
import { systemErrorCode } from '../../disk/fileSystemError.js';

/** Windows refuses links without a privilege; some file systems do not know them. */
const WITHOUT_LINKS = ['EPERM', 'ENOTSUP', 'ENOSYS'];

/**
 * Makes a file appear in a second place: as a relative link, or as a copy where links are not possible. What is there already stays.
 *
 * @throws the system's error
 */
export async function linkOrCopy(
  file: string,
  path: string,
  link: (target: string, path: string) => Promise<void> = symlink,
): Promise<void> {
  try {
    await link(relative(dirname(path), file), path);
  } catch (error) {
    const code = systemErrorCode(error) ?? '';
    if (code === 'EEXIST') return;
    if (!WITHOUT_LINKS.includes(code)) throw error;
    await copyFile(file, path);
  }
}
