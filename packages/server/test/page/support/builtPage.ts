import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PACKAGE = fileURLToPath(new URL('../../..', import.meta.url));

/** The folder of the page as it is built. */
export const PAGE = `${PACKAGE}page/dist`;

/** Builds the page where nobody has. */
export async function builtPage(): Promise<void> {
  if (existsSync(`${PAGE}/index.html`)) return;
  const vite = `${PACKAGE}node_modules/vite/bin/vite.js`;
  await promisify(execFile)(process.execPath, [vite, 'build', 'page', '--logLevel', 'error'], { cwd: PACKAGE });
}
