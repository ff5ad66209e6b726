import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where a file names the version of the packages: what a plugin is for, what an example depends on, what core says of itself. */
const MENTIONS = [
  /(?<=\bengines(?::| =) \{ thimble: '\^)\d+\.\d+\.\d+(?=' \})/g,
  /(?<="(?:@thimble\/[\w-]+|thimble)": "\^)\d+\.\d+\.\d+(?=")/g,
  /(?<=\bexport const VERSION = ')\d+\.\d+\.\d+(?=';)/g,
];

const FILES = ['*.ts', '*.md', '*.json', '*.tmpl'];
/** What was so when it was written. */
const HISTORY = /(^|\/)CHANGELOG\.md$|^\.changeset\/|^docs\/decisions\/|\/(fixtures|test)\//;

/**
 * The version that all public packages have: core's.
 *
 * @param {string} root of the repository
 * @returns {string}
 */
export function packagesVersion(root) {
  return JSON.parse(readFileSync(join(root, 'packages/core/package.json'), 'utf8')).version;
}

/**
 * The files that name another version than the packages have, and how they read with it.
 *
 * @param {string} root of the repository
 * @returns {{ file: string, found: string[], text: string }[]}
 */
export function staleMentions(root) {
  const version = packagesVersion(root);
  return execFileSync('git', ['ls-files', '-z', '--', ...FILES], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter((file) => file !== '' && !HISTORY.test(file))
    .map((file) => ({ file, before: readFileSync(join(root, file), 'utf8') }))
    .map(({ file, before }) => ({
      file,
      found: MENTIONS.flatMap((mention) => before.match(mention) ?? []).filter((each) => each !== version),
      text: MENTIONS.reduce((text, mention) => text.replaceAll(mention, version), before),
    }))
    .filter(({ found }) => found.length > 0);
}
