import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const REQUIRED = ['LICENSE', 'README.md', 'CHANGELOG.md', 'package.json'];
const REQUIRED_FIELDS = ['description', 'keywords', 'homepage', 'bugs', 'repository', 'license', 'engines'];
/** What create-thimble-plugin copies is sources and tests of others. */
const TEMPLATE = /^template\//;
const FOREIGN = /(^|\/)(test|tests|fixtures|src|node_modules)\/|\.test\.|\.tsbuildinfo$|\.map$|^tsconfig/;
const WORKSPACE_ONLY = /@thimble\/source|"(workspace|catalog|link|file):/;

/**
 * What is wrong with an unpacked package.
 *
 * @param {string} unpacked its folder, with package.json in it
 * @param {string} sources the folder of its sources
 * @returns {Promise<string[]>}
 */
export async function tarballProblems(unpacked, sources) {
  const files = await filesBelow(unpacked);
  const manifest = await readFile(join(unpacked, 'package.json'), 'utf8');
  return [
    ...REQUIRED.filter((file) => !files.includes(file)).map((file) => `${file} is missing`),
    ...files
      .filter((file) => FOREIGN.test(file) && !TEMPLATE.test(file))
      .map((file) => `${file} does not belong into a package`),
    ...REQUIRED_FIELDS.filter((field) => !(field in JSON.parse(manifest))).map(
      (field) => `package.json has no ${field}`,
    ),
    ...(WORKSPACE_ONLY.test(manifest) ? ['package.json says what only holds inside the workspace'] : []),
    ...(await leftBehind(files, sources)),
    ...(await unusedDependencies(unpacked, files, JSON.parse(manifest))),
  ];
}

async function filesBelow(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** The compiler leaves a file's output where it is when the file is renamed or removed. */
async function leftBehind(files, sources) {
  const known = new Set((await filesBelow(sources)).map((file) => file.replace(/\.ts$/, '')));
  // Of scripts a bundler may have made fewer; declarations are one for each source.
  const declarations = files.filter((file) => /^dist\/.*\.d\.ts$/.test(file));
  return declarations
    .filter((file) => !known.has(file.slice('dist/'.length, -'.d.ts'.length)))
    .map((file) => `${file} has no source any more: remove dist and build again`);
}

/** What core takes where it is installed: a package that brings it need not name it itself. */
const { peerDependenciesMeta: FOR_CORE } = JSON.parse(
  await readFile(new URL('../../packages/core/package.json', import.meta.url), 'utf8'),
);

async function unusedDependencies(unpacked, files, { dependencies = {} }) {
  const code = files.filter((file) => /\.(js|d\.ts)$/.test(file)).map((file) => readFile(join(unpacked, file), 'utf8'));
  const text = (await Promise.all(code)).join('\n');
  return Object.keys(dependencies)
    .filter((name) => !(name in FOR_CORE) && !new RegExp(`['"]${name}['"/]`).test(text))
    .map((name) => `the dependency ${name} is not used`);
}
