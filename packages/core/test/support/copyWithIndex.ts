import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder with the parts of a checkpoint, by links, and another of its files as `model_index.json`. */
export async function copyWithIndex(
  checkpoint: string,
  index: string,
): Promise<{ readonly folder: string; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'thimble-index-'));
  for (const name of await readdir(checkpoint))
    if (!name.startsWith('model_index')) await symlink(join(checkpoint, name), join(folder, name));
  await symlink(join(checkpoint, index), join(folder, 'model_index.json'));
  return { folder, remove: async () => rm(folder, { recursive: true, force: true }) };
}
