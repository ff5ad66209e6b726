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
  const output = await command(await pinnedPnpm(root), ['pack', '--json', '--pack-destination', destination], {
    cwd: join(root, 'packages', name),
  });
  return JSON.parse(output).filename;
}

let pnpm;

/**
 * The one version of pnpm that the workspace's own scripts use. npx, which brings it, takes a hundred times as long to start as pnpm itself, and is asked once.
 *
 * @param {string} root the checkout
 * @returns {Promise<string>} the program's path
 */
export async function pinnedPnpm(root) {
  pnpm ??= findPnpm(root);
  return pnpm;
}

async function findPnpm(root) {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const [version] = /pnpm@\S+/.exec(scripts['install:all']);
  return (await command('npx', ['--yes', '--package', version, '-c', 'command -v pnpm'])).trim();
}
