import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.mjs';
import { OFFLINE_ENV } from './installFrom.mjs';

/**
 * Installs a version of Node, which npm's package `node` brings.
 *
 * @param {string} version such as '22'
 * @param {string} folder where it is put
 * @returns {Promise<string>} the path of its program
 */
export async function programOfNode(version, folder) {
  const home = join(folder, `node-${version}`);
  await mkdir(home, { recursive: true });
  await writeFile(join(home, 'package.json'), '{ "private": true }');
  const options = ['--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline'];
  await command('npm', ['install', ...options, `node@${version}`], { cwd: home, env: OFFLINE_ENV });
  return join(home, 'node_modules/node/bin/node');
}
