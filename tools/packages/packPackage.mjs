import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.mjs';

/**
 * Packs a package as it would be published.
 *
 * @param {string} root the checkout
 * @param {string} name the package's folder in packages/
 * @param {string} destination a folder
 * @returns {Promise<string>} the path of the tarball
 */
export async function packPackage(root, name, destination) {
  const pnpm = await pinnedPnpm(root);
  const output = await command('npx', ['--yes', pnpm, 'pack', '--json', '--pack-destination', destination], {
    cwd: join(root, 'packages', name),
  });
  return JSON.parse(output).filename;
}

/**
 * The one version of pnpm that the workspace's own scripts use.
 *
 * @param {string} root the checkout
 * @returns {Promise<string>} as npx takes it
 */
export async function pinnedPnpm(root) {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  return /pnpm@\S+/.exec(scripts.build)[0];
}
