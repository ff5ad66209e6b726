import { randomBytes } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isThimbleError } from '@thimble/core';
import { fileSystemError, spillFolder, type SeamlessPlan } from '@thimble/core/plugin';
import type { TilingMode } from './VaeTilingOptions.js';

/**
 * What traffic to the disk may cost, in seconds a pixel: what tiles that overlap by a quarter compute, 1.8 times the 45 microseconds that a pixel takes on two cores
 * (measured with SD's VAE). Strips are read and written while others are computed.
 */
const CHEAP = 80e-6;

/** What the choice depends on. */
export interface ModeNeeds {
  /** Absent for a model that cannot be computed in strips. */
  readonly plan: SeamlessPlan | undefined;
  readonly pixels: number;
  readonly tempDir: string | undefined;
}

/** Strips while what they spill is cheap for this disk, shared statistics beyond; blended tiles where neither is possible. */
export async function chooseMode({ plan, pixels, tempDir }: ModeNeeds): Promise<Exclude<TilingMode, 'auto'>> {
  if (plan === undefined) return 'blend';
  const { diskBytes, trafficBytes } = plan.strips;
  if (diskBytes === 0) return 'seamless';
  try {
    const folder = await spillFolder(tempDir, diskBytes);
    const speed = await measureDisk(folder).catch((error: unknown) => {
      throw fileSystemError(error, folder, 'write');
    });
    return trafficBytes / speed <= CHEAP * pixels ? 'seamless' : 'shared';
  } catch (error) {
    if (
      tempDir === undefined &&
      (isThimbleError(error, 'ERR_DISK_FULL') || isThimbleError(error, 'ERR_ARGUMENT_INVALID'))
    )
      return 'shared';
    throw error;
  }
}

const PROBE_BYTES = 32 * 2 ** 20;

/** How fast a folder's disk takes bytes, in bytes a second: as long as it takes to write some and have them on the disk. */
async function measureDisk(folder: string): Promise<number> {
  const path = join(folder, `thimble-probe-${process.pid}-${randomBytes(8).toString('hex')}`);
  await using file = await open(path, 'wx', 0o600);
  await rm(path);
  const piece = randomBytes(2 ** 20);
  const started = performance.now();
  for (let done = 0; done < PROBE_BYTES; done += piece.length) await file.write(piece);
  await file.datasync();
  return (PROBE_BYTES / (performance.now() - started)) * 1000;
}
