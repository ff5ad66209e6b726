import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installFrom } from './installFrom.mjs';
import { runReadmeCommand, runReadmeExample } from './readmeExample.mjs';

/**
 * Installs one package with core's tarball and those of what it depends on into an empty project, and runs the examples of its README there.
 *
 * @param {{ root: string, folder: string, name: string, manifest: object, tarballs: Readonly<Record<string, string>>, manager: string, node?: string }} parts `folder` is the project's; `node`: the
 *   program that installs and runs it
 */
export async function useAlone({ root, folder, name, manifest, tarballs, manager, node = process.execPath }) {
  const needed = [...workspaceNames(root, name)].map((needs) => tarballs[needs]);
  await installFrom({ root, folder, tarballs: needed, manager, node });
  const example = { root, folder, readme: join(root, 'packages', name, 'README.md'), node };
  await runReadmeExample(example);
  if ('thimble' in (manifest.bin ?? {})) await runReadmeCommand(example);
}

/** A package, core, and what it depends on of the workspace, and those in turn. */
function workspaceNames(root, name, found = new Set(['core'])) {
  found.add(name);
  const manifest = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
  for (const dependency of Object.keys(manifest.dependencies ?? {})) {
    const folder = /^@thimble\/(.+)$/.exec(dependency)?.[1];
    if (folder !== undefined && !found.has(folder)) workspaceNames(root, folder, found);
  }
  return found;
}
