import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What a package can be imported by, from the `exports` of its manifest.
 *
 * @param {string} folder of the package
 * @returns {Promise<{ name: string, entry: string }[]>} each name as users write it, and the file of its declarations, which a build makes
 */
export async function packageEntries(folder) {
  const { name, exports } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  return Object.entries(exports)
    .filter(([, target]) => target.types !== undefined)
    .map(([path, { types }]) => ({ name: join(name, path), entry: join(folder, types) }));
}
