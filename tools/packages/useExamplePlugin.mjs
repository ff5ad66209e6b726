import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.mjs';
import { installFrom, linkInstalled } from './installFrom.mjs';

/**
 * Does with examples/third-party-plugin what its author would: installs the packed packages with plain npm into a copy outside the workspace, type-checks and
 * builds it, runs its tests, and measures it on the embedded model.
 *
 * @param {{ root: string, folder: string, tarballs: Readonly<Record<string, string>>, like?: string }} parts `like`: a project with much the same packages installed
 * @returns {Promise<string>} the table of what was measured
 */
export async function useExamplePlugin({ root, folder, tarballs, like }) {
  await mkdir(folder);
  await cp(join(root, 'examples/third-party-plugin'), folder, {
    recursive: true,
    filter: (path) => !/\/(node_modules|dist)(\/|$)/.test(path),
  });
  await linkInstalled(folder, like);
  await installFrom({ root, folder, tarballs: [tarballs.core, tarballs['plugin-testkit']], manager: 'npm' });
  await command('npm', ['test'], { cwd: folder });
  return command(process.execPath, ['measure.mjs', join(root, 'models/demo'), '4', '2:1'], { cwd: folder });
}
