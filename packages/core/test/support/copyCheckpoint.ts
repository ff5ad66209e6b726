import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Fields of a JSON file in place of its own, by its path in the checkpoint: `{ 'unet/config.json': { sample_size: 64 } }`. */
export type ChangedFiles = Readonly<Record<string, object>>;

/** A copy of a checkpoint, but for the files that are changed. Returns its folder. */
export async function copyCheckpoint(base: string, folder: string, changed: ChangedFiles = {}): Promise<string> {
  await cp(base, folder, { recursive: true });
  for (const [path, fields] of Object.entries(changed)) {
    const own = JSON.parse(await readFile(join(base, path), 'utf8')) as object;
    await writeFile(join(folder, path), JSON.stringify({ ...own, ...fields }));
  }
  return folder;
}
