// Writes the pages of docs/reference that are made from the code: `npm run docs`, after `npm run build`.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { errorReference } from './docs/errorReference.mjs';
import { hookReference } from './docs/hookReference.mjs';
import { optionReference } from './docs/optionReference.mjs';
import { errorRegistry, hookManifest } from '../packages/core/dist/index.js';

const REFERENCE = new URL('../docs/reference/', import.meta.url);
const PACKAGES = new URL('../packages/', import.meta.url);

async function declarations(folder) {
  const { name } = JSON.parse(await readFile(new URL(`${folder}/package.json`, PACKAGES), 'utf8'));
  return { name, entry: fileURLToPath(new URL(`${folder}/dist/index.d.ts`, PACKAGES)) };
}

const folders = (await readdir(PACKAGES)).sort();
await writeFile(new URL('errors.md', REFERENCE), errorReference(errorRegistry));
await writeFile(new URL('hooks.md', REFERENCE), hookReference(hookManifest));
await writeFile(new URL('options.md', REFERENCE), optionReference(await Promise.all(folders.map(declarations))));
