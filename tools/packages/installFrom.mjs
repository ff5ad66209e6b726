import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command } from './command.mjs';
import { pinnedPnpm } from './packPackage.mjs';

/** The runtime's installation would fetch CUDA libraries; what the CPU needs is in the package. */
export const OFFLINE_ENV = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };

const NPM_OPTIONS = ['--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline'];

/** What pnpm asks to be decided, as the troubleshooting page says. */
const ALLOW_BUILDS = 'allowBuilds:\n  onnxruntime-node: false\n  sharp: false\n';

/**
 * Installs tarballs into a folder, as an outsider does: a project of its own that knows nothing of the workspace.
 *
 * @param {{ root: string, folder: string, tarballs: readonly string[], manager: 'npm' | 'pnpm' }} parts `folder` is made where it is not there
 */
export async function installFrom({ root, folder, tarballs, manager }) {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }', { flag: 'wx' }).catch(
    ignoreExisting,
  );
  if (manager === 'npm')
    return command('npm', ['install', ...NPM_OPTIONS, ...tarballs], { cwd: folder, env: OFFLINE_ENV });
  await writeFile(join(folder, 'pnpm-workspace.yaml'), `${ALLOW_BUILDS}overrides:\n${tarballs.map(override).join('')}`);
  return command(await pinnedPnpm(root), ['add', '--prefer-offline', ...tarballs], {
    cwd: folder,
    env: OFFLINE_ENV,
  });
}

/** Where one of the packages asks for another one, pnpm would look for it in the registry. */
function override(tarball) {
  const [, name] = /(?:thimble-)?((?:core|plugin-[a-z0-9-]+?))-\d[^/]*\.tgz$/.exec(tarball) ?? [];
  return name === undefined ? '' : `  '@thimble/${name}': 'file:${tarball}'\n`;
}

function ignoreExisting(error) {
  if (error.code !== 'EEXIST') throw error;
}
