import { join } from 'node:path';
import { installFrom } from './installFrom.mjs';
import { runReadmeCommand, runReadmeExample } from './readmeExample.mjs';

/**
 * Installs one package with core's tarball and those of its own dependencies into an empty project, and runs the examples of its README there.
 *
 * @param {{ root: string, folder: string, name: string, manifest: object, tarballs: Readonly<Record<string, string>>, manager: string, node?: string }} parts `folder` is the project's; `node`: the
 *   program that installs and runs it
 */
export async function useAlone({ root, folder, name, manifest, tarballs, manager, node = process.execPath }) {
  const needed = [...new Set([name, 'core', ...workspaceNames(manifest)])].map((needs) => tarballs[needs]);
  await installFrom({ root, folder, tarballs: needed, manager, node });
  const example = { root, folder, readme: join(root, 'packages', name, 'README.md'), node };
  await runReadmeExample(example);
  if ('thimble' in (manifest.bin ?? {})) await runReadmeCommand(example);
}

function workspaceNames({ dependencies = {} }) {
  return Object.keys(dependencies).flatMap((name) =>
    name.startsWith('@thimble/') ? [name.slice('@thimble/'.length)] : [],
  );
}
