import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.mjs';
import { installFrom, linkInstalled } from './installFrom.mjs';

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47]);

/**
 * Does with examples/third-party-model what its author would: installs the packed packages with plain npm into a copy outside the workspace, type-checks and builds
 * it, runs its tests, and draws a picture.
 *
 * @param {{ root: string, folder: string, tarballs: Readonly<Record<string, string>>, like?: string }} parts `like`: a project with much the same packages installed
 * @returns {Promise<string[]>} what went wrong
 */
export async function useExampleModel({ root, folder, tarballs, like }) {
  await mkdir(folder);
  await cp(join(root, 'examples/third-party-model'), folder, {
    recursive: true,
    filter: (path) => !/\/(node_modules|dist)(\/|$)/.test(path),
  });
  await linkInstalled(folder, like);
  await installFrom({ root, folder, tarballs: [tarballs.core, tarballs['plugin-offload']], manager: 'npm' });
  await command('npm', ['test'], { cwd: folder });
  const said = await command(process.execPath, ['run.mjs', 'a red disc', 'disc.png'], { cwd: folder });
  const drawn = await readFile(join(folder, 'disc.png'));
  return [
    ...(said === 'disc.png: 32x32\n' ? [] : [`a picture of 32x32 was asked for, and there is ${JSON.stringify(said)}`]),
    ...(drawn.subarray(0, 4).equals(PNG) ? [] : ['disc.png is no PNG']),
  ];
}
