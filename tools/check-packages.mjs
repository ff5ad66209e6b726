// Packs every public package as for publishing, looks into the tarballs, and uses them as outsiders would. `node tools/check-packages.mjs [STEP …]` does the
// named steps alone: together, alone, node, example, scaffold. For `alone`, `--managers` and `--nodes` name what each package is installed by and on (npm,pnpm on this Node),
// `--packages` those that are, by their folders.
import { rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { command } from './packages/command.mjs';
import { lintTarball } from './packages/lintTarball.mjs';
import { packPackage } from './packages/packPackage.mjs';
import { programOfNode } from './packages/programOfNode.mjs';
import { installedSize, tarballSize } from './packages/sizes.mjs';
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

const { values, positionals: steps } = parseArgs({
  options: {
    managers: { type: 'string', default: 'npm,pnpm' },
    nodes: { type: 'string', default: process.versions.node },
    packages: { type: 'string' },
  },
  allowPositionals: true,
});
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
  const size = await tarballSize(name, tarball);
  report(`${basename(tarball)}, ${size.said}`, [...problems, ...size.problems]);
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

async function installAlone({ name, manifest, manager, version, node }) {
  const project = join(folder, 'alone');
  await attempt(`${name} installed alone by ${manager} on Node ${version}, and the examples of its README run`, () =>
    useAlone({ root: ROOT, folder: project, name, manifest, tarballs, manager, node }),
  );
  if (name === 'thimble' && manager === 'npm') {
    const { said, problems } = await installedSize(project);
    report(`the command line: ${said}`, problems);
  }
  await rm(project, { recursive: true, force: true });
}

const packages = await publicPackages();
const tarballs = {};
for (const { name } of packages) tarballs[name] = await checkPackage(name);

if (wanted('together'))
  await attempt('all installed by npm, compiled against, and run', () =>
    useTogether(packages.find(({ name }) => name === 'thimble').manifest.version),
  );
if (wanted('alone')) {
  const chosen = values.packages?.split(',') ?? packages.map(({ name }) => name);
  for (const version of values.nodes.split(',')) {
    const node = version === process.versions.node ? process.execPath : await programOfNode(version, folder);
    for (const manager of values.managers.split(','))
      for (const each of packages.filter(({ name }) => chosen.includes(name)))
        await installAlone({ ...each, manager, version, node });
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
    const like = join(folder, 'together');
    console.log(await useExamplePlugin({ root: ROOT, folder: join(folder, 'example'), tarballs, like }));
    return [];
  });
}
if (wanted('example')) {
  await attempt('examples/third-party-model installed, type-checked, tested and run', () =>
    useExampleModel({ root: ROOT, folder: join(folder, 'model'), tarballs, like: join(folder, 'example') }),
  );
}
if (wanted('scaffold'))
  await attempt('a plugin made by create-thimble-plugin: installed, type-checked, tested', () =>
    useScaffold({ folder: join(folder, 'scaffold'), tarballs, like: join(folder, 'example') }),
  );
