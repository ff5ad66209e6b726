import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { command } from './command.mjs';

const ATTW = fileURLToPath(new URL('../../node_modules/.bin/attw', import.meta.url));

/**
 * What publint and "are the types wrong" have to say about a tarball.
 *
 * @param {string} tarball its path
 * @param {object} manifest the package.json in it
 * @returns {Promise<string[]>}
 */
export async function lintTarball(tarball, manifest) {
  return [...(await publintProblems(tarball, manifest)), ...(await typeProblems(tarball))];
}

async function publintProblems(tarball, manifest) {
  const { buffer } = new Uint8Array(await readFile(tarball));
  const { messages } = await publint({ pack: { tarball: buffer }, strict: true });
  return messages
    .filter(({ type }) => type !== 'suggestion')
    .map((message) => `publint: ${formatMessage(message, manifest, { color: false })}`);
}

async function typeProblems(tarball) {
  try {
    await command(ATTW, [
      tarball,
      '--profile',
      'esm-only',
      '--no-definitely-typed',
      '--format',
      'ascii',
      '--no-color',
      '--no-emoji',
    ]);
    return [];
  } catch (error) {
    return [error.message];
  }
}
