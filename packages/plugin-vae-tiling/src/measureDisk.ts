import { randomBytes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';

const PROBE_BYTES = 32 * 2 ** 20;

/** How fast a folder's disk takes bytes, in bytes a second: as long as it takes to write some and have them on the disk. */
export async function measureDisk(folder: string): Promise<number> {
  const path = join(folder, `thimble-probe-${process.pid}-${randomBytes(8).toString('hex')}`);
  await using file = await open(path, 'wx', 0o600);
  await rm(path);
  const piece = randomBytes(2 ** 20);
  const started = performance.now();
  for (let done = 0; done < PROBE_BYTES; done += piece.length) await file.write(piece);
  await file.datasync();
  return (PROBE_BYTES / (performance.now() - started)) * 1000;
}
