import { readFile } from 'node:fs/promises';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

/** Whoever resolves so cannot import ESM. */
const WITHOUT_ESM = ['node10', 'node16-cjs'];

/**
 * What publint and "are the types wrong" have to say about a tarball.
 *
 * @param {string} tarball its path
 * @param {object} manifest the package.json in it
 * @returns {Promise<string[]>}
 */
export async function lintTarball(tarball, manifest) {
  const bytes = new Uint8Array(await readFile(tarball));
  return [...(await publintProblems(bytes, manifest)), ...(await typeProblems(bytes))];
}

async function publintProblems({ buffer }, manifest) {
  const { messages } = await publint({ pack: { tarball: buffer }, strict: true });
  return messages
    .filter(({ type }) => type !== 'suggestion')
    .map((message) => `publint: ${formatMessage(message, manifest, { color: false })}`);
}

async function typeProblems(bytes) {
  const { types, problems } = await checkPackage(createPackageFromTarballData(bytes));
  if (types === false) return ['there are no types in it'];
  return problems
    .filter(({ resolutionKind }) => !WITHOUT_ESM.includes(resolutionKind))
    .map((problem) => `are the types wrong: ${JSON.stringify(problem)}`);
}
