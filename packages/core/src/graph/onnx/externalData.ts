import path, { type PlatformPath } from 'node:path';
import { ThimbleError } from '../../errors.js';

/**
 * The deepest folder that holds all files: the runtime refuses locations outside the folder it is given.
 *
 * @param system the paths of which system
 * @returns `undefined` for no files
 * @throws `ERR_WEIGHTS_APART` for files on different drives of Windows
 */
export function commonFolder(files: readonly string[], system: PlatformPath = path): string | undefined {
  const [first, ...rest] = new Set(files.map((file) => system.dirname(file)));
  if (first === undefined) return undefined;
  const { root } = system.parse(first);
  let common = first.slice(root.length).split(system.sep);
  for (const folder of rest) {
    if (system.parse(folder).root !== root) throw new ThimbleError('ERR_WEIGHTS_APART', { folders: [first, folder] });
    const parts = folder.slice(root.length).split(system.sep);
    const differs = common.findIndex((part, i) => part !== parts[i]);
    if (differs >= 0) common = common.slice(0, differs);
  }
  return root + common.join(system.sep);
}

/** Where a file lies in a folder, as ONNX writes it: with forward slashes on every system. */
export function locationIn(folder: string, file: string, system: PlatformPath = path): string {
  return system.relative(folder, file).replaceAll(system.sep, '/');
}
