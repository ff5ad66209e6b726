import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { command } from './command.mjs';
import { pinnedPnpm } from './packPackage.mjs';

/** The runtime's installation would fetch CUDA libraries; what the CPU needs is in the package. */
export const OFFLINE_ENV = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };

const NPM_OPTIONS = ['--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline'];

/** What pnpm asks to be decided, as the troubleshooting page says. */
const ALLOW_BUILDS = 'allowBuilds:\n  onnxruntime-node: false\n  sharp: false\n';

const YARN = '@yarnpkg/cli-dist@4.18.1';
/** Yarn keeps packages in archives unless it is told not to, and native libraries and processes need files. */
const YARN_SETTINGS = 'nodeLinker: node-modules\nenableScripts: false\nenableTelemetry: false\n';

/**
 * Installs tarballs into a folder, as an outsider does: a project of its own that knows nothing of the workspace.
 *
 * @param {{ root: string, folder: string, tarballs: readonly string[], manager: 'npm' | 'pnpm' | 'yarn', node?: string }} parts `folder` is made where it is not there; `node`: the program that
 *   the manager runs on
 */
export async function installFrom({ root, folder, tarballs, manager, node = process.execPath }) {
  await mkdir(folder, { recursive: true });
  const env = { ...OFFLINE_ENV, PATH: `${dirname(node)}${delimiter}${process.env['PATH']}` };
  const manifest = {
    private: true,
    type: 'module',
    ...(manager === 'yarn' ? { resolutions: locations(tarballs) } : {}),
  };
  await writeFile(join(folder, 'package.json'), JSON.stringify(manifest), { flag: 'wx' }).catch(ignoreExisting);
  if (manager === 'npm') return command('npm', ['install', ...NPM_OPTIONS, ...tarballs], { cwd: folder, env });
  if (manager === 'yarn') {
    await writeFile(join(folder, '.yarnrc.yml'), YARN_SETTINGS);
    await writeFile(join(folder, 'yarn.lock'), '');
    const added = Object.entries(locations(tarballs)).map(([name, place]) => `${name}@${place}`);
    return command('npx', ['--yes', '--package', YARN, 'yarn', 'add', ...added], {
      cwd: folder,
      env: { ...env, ...yarnRegistry() },
    });
  }
  const overrides = Object.entries(locations(tarballs)).map(([name, place]) => `  '${name}': '${place}'\n`);
  await writeFile(join(folder, 'pnpm-workspace.yaml'), `${ALLOW_BUILDS}overrides:\n${overrides.join('')}`);
  return command(await pinnedPnpm(root), ['add', '--prefer-offline', ...tarballs], { cwd: folder, env });
}

/**
 * Gives a project what another one has installed, by links to the same files: the installation after it still decides what must be there, and unpacks only what is not. Does nothing where
 * the other one is not there.
 *
 * @param {string} folder of the project, without installed packages
 * @param {string | undefined} other folder of a project that npm has installed
 */
export async function linkInstalled(folder, other) {
  if (other === undefined || !existsSync(join(other, 'node_modules'))) return;
  await command('cp', ['-al', join(other, 'node_modules'), folder]);
}

/** Where one of the packages asks for another one, pnpm and yarn would look for it in the registry. */
function locations(tarballs) {
  return Object.fromEntries(tarballs.map((tarball) => [nameOf(tarball), `file:${tarball}`]));
}

function nameOf(tarball) {
  const [, name] = /([a-z0-9-]+?)-\d[^/]*\.tgz$/.exec(tarball);
  return name.startsWith('thimble-') ? `@thimble/${name.slice('thimble-'.length)}` : name;
}

/** The registry that npm is set to, which yarn does not ask. */
function yarnRegistry() {
  const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
  const insecure = registry.startsWith('http:') ? { YARN_UNSAFE_HTTP_WHITELIST: new URL(registry).hostname } : {};
  return { YARN_NPM_REGISTRY_SERVER: registry, ...insecure };
}

function ignoreExisting(error) {
  if (error.code !== 'EEXIST') throw error;
}
