import { existsSync } from 'node:fs';
import { sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { resolve } from 'import-meta-resolve';
import { CliError } from '../CliError.js';

/**
 * Finds a package, or a module by its path, as an `import` in the current folder would; else among thimble's own packages.
 *
 * @returns the URL to import. @throws ERR_PLUGIN_PACKAGE_NOT_FOUND, ERR_PLUGIN_PACKAGE_BROKEN
 */
export function resolvePackage(name: string): string {
  const found = findPackage(name);
  if (found !== undefined) return found;
  throw new CliError('ERR_PLUGIN_PACKAGE_NOT_FOUND', { package: name, folder: process.cwd() });
}

/** The same, and undefined where there is none. @throws ERR_PLUGIN_PACKAGE_BROKEN */
export function findPackage(name: string): string | undefined {
  return tryResolve(name, pathToFileURL(process.cwd() + sep).href) ?? tryResolve(name, import.meta.url);
}

/** By a library, because Node resolves from another folder only for `require`, which does not see packages for `import` alone. */
function tryResolve(name: string, from: string): string | undefined {
  try {
    const url = resolve(name, from);
    return url.startsWith('file:') && !existsSync(fileURLToPath(url)) ? undefined : url;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw new CliError(
      'ERR_PLUGIN_PACKAGE_BROKEN',
      { package: name, reason: (error as Error).message },
      { cause: error },
    );
  }
}
