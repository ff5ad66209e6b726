import type * as server from '@thimble/server';
import { CliError } from '../CliError.js';
import { findPackage } from '../plugins/resolvePackage.js';

const SERVER = '@thimble/server';

/** The package is found as a plugin would be, for this one does not depend on it. @throws CliError ERR_SERVER_PACKAGE_NOT_FOUND */
export async function loadServer(command: 'serve' | 'worker'): Promise<typeof server> {
  const url = findPackage(SERVER);
  if (url === undefined) throw new CliError('ERR_SERVER_PACKAGE_NOT_FOUND', { command, package: SERVER });
  return (await import(url)) as typeof server;
}
