import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const KB = 2 ** 10;
const MB = 2 ** 20;

/** The most that tarballs may take, in bytes; of packages that are not named, {@link OTHERS}. */
const TARBALLS = { core: 1536 * KB, server: 192 * KB, thimble: 192 * KB, 'plugin-testkit': 768 * KB };
const OTHERS = 64 * KB;

/** The most that a project takes in which the command line is installed and nothing else, in bytes: all its packages. */
const COMMAND_LINE = 380 * MB;

/**
 * Whether a package is as small as it should be.
 *
 * @param {string} name of its folder
 * @param {string} tarball the path of what is published
 * @returns {Promise<{ said: string, problems: string[] }>}
 */
export async function tarballSize(name, tarball) {
  const { size } = await lstat(tarball);
  return judged(size, TARBALLS[name] ?? OTHERS, KB, 'KB', 'packed');
}

/**
 * Whether the command line takes as little as it should where it is installed.
 *
 * @param {string} project a folder with its `node_modules`
 * @returns {Promise<{ said: string, problems: string[] }>}
 */
export async function installedSize(project) {
  return judged(await bytesBelow(join(project, 'node_modules')), COMMAND_LINE, MB, 'MB', 'installed');
}

function judged(bytes, budget, unit, name, how) {
  const amount = (count) => `${(count / unit).toFixed(count < 100 * unit ? 1 : 0)} ${name}`;
  const said = `${amount(bytes)} ${how}`;
  return {
    said,
    problems: bytes > budget ? [`${said}, and ${amount(budget)} is the budget (tools/packages/sizes.mjs)`] : [],
  };
}

async function bytesBelow(folder) {
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).size;
  return bytes;
}
