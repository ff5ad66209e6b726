import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.mjs';
import { linkInstalled, OFFLINE_ENV } from './installFrom.mjs';

/**
 * Starts a plugin with create-thimble-plugin, as its README says, over packed packages, and runs the tests that come with it.
 *
 * @param {{ folder: string, tarballs: Readonly<Record<string, string>>, like?: string }} parts `like`: a project with much the same packages installed
 */
export async function useScaffold({ folder, tarballs, like }) {
  await mkdir(folder);
  const create = [
    'exec',
    '--yes',
    `--package=${tarballs['create-thimble-plugin']}`,
    '--',
    'create-thimble-plugin',
    'thimble-plugin-mine',
  ];
  await command('npm', [...create, '--core', tarballs.core, '--testkit', tarballs['plugin-testkit']], { cwd: folder });
  const plugin = join(folder, 'thimble-plugin-mine');
  await linkInstalled(plugin, like);
  await command('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline'], { cwd: plugin, env: OFFLINE_ENV });
  await command('npm', ['test'], { cwd: plugin });
  await command('npm', ['pack', '--dry-run'], { cwd: plugin });
}
