import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Windows has no such flag. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/**
 * Opens a file to be read. What is no file with bytes on a disk makes nobody wait: a pipe that nothing is written to, or `/proc/kmsg`, in which a thread of Node's
 * would wait for ever, and the end of the program for it.
 *
 * @throws the system's error; reading gives `EAGAIN` where there is nothing to read yet
 */
export async function openForReading(path: string): Promise<FileHandle> {
  return open(path, FLAGS);
}
