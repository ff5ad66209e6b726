// Writes the pages of docs/reference that are made from the code: `npm run docs`, after `npm run build`. With --check it says which are not what it would write.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { cliReference } from './docs/cliReference.mjs';
import { errorReference, errorsOf } from './docs/errorReference.mjs';
import { hookReference } from './docs/hookReference.mjs';
import { optionReference } from './docs/optionReference.mjs';
import { packageEntries } from './packageEntries.mjs';
import { hookManifest } from '../packages/core/dist/plugin.js';
import { createProgram } from '../packages/thimble/dist/createProgram.js';

const REFERENCE = new URL('../docs/reference/', import.meta.url);
const PACKAGES = new URL('../packages/', import.meta.url);

async function loadEntry(folder) {
  const { name } = JSON.parse(await readFile(new URL(`${folder}/package.json`, PACKAGES), 'utf8'));
  return { name, exports: await import(new URL(`${folder}/dist/index.js`, PACKAGES).href) };
}

const folders = (await readdir(PACKAGES)).sort();
const packages = await Promise.all(folders.map((folder) => packageEntries(fileURLToPath(new URL(folder, PACKAGES)))));
const pages = {
  // The flags of runs are there for commands that run.
  'cli.md': cliReference(await createProgram({}, ['generate'])),
  'errors.md': errorReference(
    errorsOf(
      await Promise.all(folders.filter((name) => /^(core|server|plugin-(?!testkit).*)$/.test(name)).map(loadEntry)),
    ),
  ),
  'hooks.md': hookReference(hookManifest),
  'options.md': await optionReference(packages.flat()),
};

for (const [name, text] of Object.entries(pages)) {
  const file = new URL(name, REFERENCE);
  if (!process.argv.includes('--check')) await writeFile(file, text);
  else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    console.error(`docs/reference/${name} is not what the code says: run npm run docs`);
    process.exitCode = 1;
  }
}
