// Packs every public package as for publishing, looks into the tarballs, and uses them as outsiders would. `node tools/check-packages.mjs [STEP …]` does the
// named steps alone: together, alone, node, example, scaffold.
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { command } from './packages/command.mjs';
import { lintTarball } from './packages/lintTarball.mjs';
import { packPackage } from './packages/packPackage.mjs';
import { tarballProblems } from './packages/tarballProblems.mjs';
import { useAlone } from './packages/useAlone.mjs';
import { useAsOutsider } from './packages/useAsOutsider.mjs';
import { useExampleModel } from './packages/useExampleModel.mjs';
import { useExamplePlugin } from './packages/useExamplePlugin.mjs';
import { useOnNode } from './packages/useOnNode.mjs';
import { useScaffold } from './packages/useScaffold.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MODEL = join(ROOT, 'packages/core/test/fixtures/sd-tiny');
/** Beside the one that runs this. */
const NODE_VERSIONS = ['20', '22', '24'];

const steps = process.argv.slice(2);
const wanted = (step) => steps.length === 0 || steps.includes(step);
const folder = await mkdtemp(join(tmpdir(), 'thimble-packages-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1));

async function publicPackages() {
  const names = await readdir(join(ROOT, 'packages'));
  const manifests = await Promise.all(
    names.map(async (name) => JSON.parse(await readFile(join(ROOT, 'packages', name, 'package.json'), 'utf8'))),
  );
  return names.map((name, i) => ({ name, manifest: manifests[i] })).filter(({ manifest }) => manifest.private !== true);
}

async function checkPackage(name) {
  const tarball = await packPackage(ROOT, name, folder);
  const unpacked = join(folder, name);
  await mkdir(unpacked);
  await command('tar', ['-xzf', tarball, '-C', unpacked, '--strip-components=1']);
  const manifest = JSON.parse(await readFile(join(unpacked, 'package.json'), 'utf8'));
  const problems = [
    ...(await tarballProblems(unpacked, join(ROOT, 'packages', name, 'src'))),
    ...(await lintTarball(tarball, manifest)),
  ];
  report(basename(tarball), problems);
  return tarball;
}

function report(what, problems) {
  console.log(
    problems.length === 0 ? `✓ ${what}` : `✗ ${what}\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
  );
  if (problems.length > 0) process.exitCode = 1;
}

/** Does a step, and reports how long it took; what it returns is problems, or something to print. */
async function attempt(what, work) {
  const started = performance.now();
  const problems = await work().catch((error) => [error.message]);
  report(`${what} (${Math.round((performance.now() - started) / 1000)} s)`, Array.isArray(problems) ? problems : []);
}

async function useTogether(version) {
  const outside = join(folder, 'together');
  await mkdir(outside);
  return useAsOutsider({
    root: ROOT,
    folder: outside,
    tarballs: Object.values(tarballs),
    names: packages.map(({ manifest }) => manifest.name),
    model: MODEL,
    version,
  });
}

const packages = await publicPackages();
const tarballs = {};
for (const { name } of packages) tarballs[name] = await checkPackage(name);

if (wanted('together'))
  await attempt('all installed by npm, compiled against, and run', () =>
    useTogether(packages.find(({ name }) => name === 'thimble').manifest.version),
  );
if (wanted('alone')) {
  for (const { name, manifest } of packages) {
    await attempt(`${name} installed alone by npm and by pnpm, and the example of its README run`, () =>
      useAlone({ root: ROOT, folder: join(folder, `alone-${name}`), name, manifest, tarballs }),
    );
  }
}
if (wanted('node')) {
  await attempt(`used on Node ${NODE_VERSIONS.join(', ')}`, async () => {
    const ran = await useOnNode({ root: ROOT, folder: join(folder, 'node'), versions: NODE_VERSIONS, tarballs });
    return NODE_VERSIONS.filter((version, i) => !ran[i]?.startsWith(`v${version}.`)).map(
      (version) => `Node ${version} was asked for, and ${ran.join()} ran`,
    );
  });
}
if (wanted('example')) {
  await attempt('examples/third-party-plugin installed, type-checked, tested and measured', async () => {
    console.log(await useExamplePlugin({ root: ROOT, folder: join(folder, 'example'), tarballs }));
    return [];
  });
}
if (wanted('example')) {
  await attempt('examples/third-party-model installed, type-checked, tested and run', () =>
    useExampleModel({ root: ROOT, folder: join(folder, 'model'), tarballs }),
  );
}
if (wanted('scaffold'))
  await attempt('a plugin made by create-thimble-plugin: installed, type-checked, tested', () =>
    useScaffold({ folder: join(folder, 'scaffold'), tarballs }),
  );
