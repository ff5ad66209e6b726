// Packs every public package as for publishing into packed/, and says how to install them: what there is while nothing is in a registry.
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packPackage } from './packages/packPackage.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PACKED = join(ROOT, 'packed');

await rm(PACKED, { recursive: true, force: true });
await mkdir(PACKED);
for (const name of await readdir(join(ROOT, 'packages'))) {
  const manifest = JSON.parse(await readFile(join(ROOT, 'packages', name, 'package.json'), 'utf8'));
  if (manifest.private !== true) console.log(await packPackage(ROOT, name, PACKED));
}
console.log(
  `\nIn your project: npm install ${join(PACKED, 'thimble-core-*.tgz')}, and the plugins that you use, or all: npm install ${join(PACKED, '*.tgz')}`,
);
