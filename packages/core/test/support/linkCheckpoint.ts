import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Fields of a JSON file in place of its own, by its path in the checkpoint: `{ 'unet/config.json': { sample_size: 64 } }`. */
export type ChangedFiles = Readonly<Record<string, object>>;

/** A checkpoint of links to another one's files, but for those that are changed. Returns its folder. */
export async function linkCheckpoint(base: string, folder: string, changed: ChangedFiles = {}): Promise<string> {
  await linkAll(base, folder);
  for (const [path, fields] of Object.entries(changed)) {
    const parts = path.split('/');
    if (parts.length > 1) {
      await rm(join(folder, parts[0]!), { recursive: true, force: true });
      await linkAll(join(base, parts[0]!), join(folder, parts[0]!));
    }
    const own = JSON.parse(await readFile(join(base, path), 'utf8')) as object;
    await rm(join(folder, path));
    await writeFile(join(folder, path), JSON.stringify({ ...own, ...fields }));
  }
  return folder;
}

async function linkAll(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const name of await readdir(from)) await symlink(join(from, name), join(to, name));
}
