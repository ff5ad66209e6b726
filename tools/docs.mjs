// Writes the pages of docs/reference that are made from the code: `npm run docs`, after `npm run build`.
import { writeFile } from 'node:fs/promises';
import { errorReference } from './docs/errorReference.mjs';
import { hookReference } from './docs/hookReference.mjs';
import { errorRegistry, hookManifest } from '../packages/core/dist/index.js';

const REFERENCE = new URL('../docs/reference/', import.meta.url);

await writeFile(new URL('errors.md', REFERENCE), errorReference(errorRegistry));
await writeFile(new URL('hooks.md', REFERENCE), hookReference(hookManifest));
