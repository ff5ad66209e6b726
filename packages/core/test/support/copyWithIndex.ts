import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A copy of a checkpoint, with another of its files as `model_index.json`. */
export async function copyWithIndex(
  checkpoint: string,
  index: string,
): Promise<{ readonly folder: string; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'thimble-index-'));
  await cp(checkpoint, folder, { recursive: true });
  await cp(join(checkpoint, index), join(folder, 'model_index.json'));
  return { folder, remove: async () => rm(folder, { recursive: true, force: true }) };
}
