import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The public packages of a repository whose sources have changed since the last commit that touched their changelog, and that no changeset names.
 *
 * @param {string} root of the repository
 * @returns {{ name: string, since: string, files: string[] }[]} each package's name, the commit of its changelog and the files that changed since
 */
export function packagesWithoutChangeset(root) {
  const named = packagesNamed(join(root, '.changeset'));
  return readdirSync(join(root, 'packages'))
    .sort()
    .flatMap((folder) => changesOf(root, folder))
    .filter(({ name, files }) => files.length > 0 && !named.has(name));
}

function changesOf(root, folder) {
  const manifest = join(root, 'packages', folder, 'package.json');
  if (!existsSync(manifest)) return [];
  const { name, private: isPrivate = false } = JSON.parse(readFileSync(manifest, 'utf8'));
  if (isPrivate) return [];
  const since = git(root, 'log', '-1', '--format=%h', '--', `packages/${folder}/CHANGELOG.md`);
  // A package that was never released needs no note of what changed.
  if (since === '') return [];
  const sources = `packages/${folder}/src`;
  const committed = git(root, 'diff', '--name-only', since, '--', sources);
  const untracked = git(root, 'ls-files', '--others', '--exclude-standard', '--', sources);
  return [{ name, since, files: `${committed}\n${untracked}`.split('\n').filter((file) => file !== '') }];
}

/** What the changesets' front matter names. */
function packagesNamed(folder) {
  if (!existsSync(folder)) return new Set();
  const pages = readdirSync(folder).filter((file) => file.endsWith('.md') && file !== 'README.md');
  return new Set(
    pages.flatMap((file) => {
      const [, matter = ''] = /^---\n(.*?)^---$/ms.exec(readFileSync(join(folder, file), 'utf8')) ?? [];
      return [...matter.matchAll(/^['"]?([^'":\n]+)['"]?: *(?:patch|minor|major)$/gm)].map(([, name]) => name);
    }),
  );
}

function git(cwd, ...args) {
  return execFileSync('git', args, { cwd, encoding: 'utf8' }).trim();
}

/** Whether a clone holds the last commits alone, so that nobody can tell from it what has changed. */
export function isShallow(root) {
  return git(root, 'rev-parse', '--is-shallow-repository') === 'true';
}
