// Makes dist/ of packages/core from its sources: each entry a file, and what they share in chunks. 300 small files took four times as long to import.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const CORE = fileURLToPath(new URL('../packages/core/', import.meta.url));
const DIST = join(CORE, 'dist');

const bundled = await build({
  absWorkingDir: CORE,
  entryPoints: {
    index: 'src/index.ts',
    plugin: 'src/plugin.ts',
    model: 'src/model.ts',
    worker: 'src/device/worker.ts',
  },
  outdir: DIST,
  bundle: true,
  splitting: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  // Classes are found by their names.
  keepNames: true,
  write: false,
  logLevel: 'warning',
});

// What did not change stays as it lies: another process may read it now.
for (const { path, contents } of bundled.outputFiles) {
  const old = await readFile(path).catch(() => undefined);
  if (old?.equals(contents)) continue;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, contents);
}

// Chunks are named after their contents, so those of an earlier build would stay.
const made = new Set(bundled.outputFiles.map(({ path }) => path));
for (const file of await readdir(DIST, { recursive: true })) {
  const path = join(DIST, file);
  if (/\.js(\.map)?$/.test(file) && !made.has(path)) await rm(path);
}
