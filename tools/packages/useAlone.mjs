import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { installFrom } from './installFrom.mjs';
import { runReadmeExample } from './readmeExample.mjs';

/**
 * Installs one package with core's tarball and those of its own dependencies, with npm and with pnpm, each into an empty project, and runs the example of its
 * README there.
 *
 * @param {{ root: string, folder: string, name: string, manifest: object, tarballs: Readonly<Record<string, string>> }} parts
 */
export async function useAlone({ root, folder, name, manifest, tarballs }) {
  const needed = [...new Set([name, 'core', ...workspaceNames(manifest)])].map((needs) => tarballs[needs]);
  for (const manager of ['npm', 'pnpm']) {
    const project = join(folder, manager);
    await mkdir(project, { recursive: true });
    await installFrom({ root, folder: project, tarballs: needed, manager });
    await runReadmeExample({ root, folder: project, readme: join(root, 'packages', name, 'README.md') });
  }
}

function workspaceNames({ dependencies = {} }) {
  return Object.keys(dependencies).flatMap((name) =>
    name.startsWith('@thimble/') ? [name.slice('@thimble/'.length)] : [],
  );
}
