import { fileURLToPath } from 'node:url';

/** The folder of a fixture. */
export function fixturePath(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}
