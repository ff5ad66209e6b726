// Packs every public package as for publishing, looks into the tarballs, and uses them as an outsider would.
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from './packages/command.mjs';
import { lintTarball } from './packages/lintTarball.mjs';
import { packPackage } from './packages/packPackage.mjs';
import { tarballProblems } from './packages/tarballProblems.mjs';
import { useAsOutsider } from './packages/useAsOutsider.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MODEL = join(ROOT, 'packages/core/test/fixtures/sd-tiny');

const folder = await mkdtemp(join(tmpdir(), 'thimble-packages-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

async function publicPackages() {
  const names = await readdir(join(ROOT, 'packages'));
  const manifests = await Promise.all(names.map(async (name) => JSON.parse(await readFile(join(ROOT, 'packages', name, 'package.json'), 'utf8'))));
  return names.map((name, i) => ({ name, manifest: manifests[i] })).filter(({ manifest }) => manifest.private !== true);
}

async function checkPackage(name) {
  const tarball = await packPackage(ROOT, name, folder);
  const unpacked = join(folder, name);
  await mkdir(unpacked);
  await command('tar', ['-xzf', tarball, '-C', unpacked, '--strip-components=1']);
  const manifest = JSON.parse(await readFile(join(unpacked, 'package.json'), 'utf8'));
  const problems = [...await tarballProblems(unpacked, join(ROOT, 'packages', name, 'src')), ...await lintTarball(tarball, manifest)];
  report(basename(tarball), problems);
  return tarball;
}

function report(what, problems) {
  console.log(problems.length === 0 ? `✓ ${what}` : `✗ ${what}\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
  if (problems.length > 0) process.exitCode = 1;
}

async function checkUse(tarballs, version) {
  const outside = join(folder, 'outside');
  await mkdir(outside);
  const problems = await useAsOutsider({ root: ROOT, folder: outside, tarballs, model: MODEL, version }).catch((error) => [error.message]);
  report('installed by npm, compiled against, and run', problems);
}

const packages = await publicPackages();
const tarballs = [];
for (const { name } of packages) tarballs.push(await checkPackage(name));
await checkUse(tarballs, packages.find(({ name }) => name === 'thimble').manifest.version);
