import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Installs a package for `import` only, as ESM packages are, into a folder's node_modules. */
export function writePackage(folder: string, name: string, source: string): void {
  const home = join(folder, 'node_modules', name);
  mkdirSync(home, { recursive: true });
  writeFileSync(
    join(home, 'package.json'),
    JSON.stringify({ name, version: '1.0.0', type: 'module', exports: { import: './main.js' } }),
  );
  writeFileSync(join(home, 'main.js'), source);
}
