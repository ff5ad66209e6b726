import { ThimbleError } from '../errors.js';
import { VERSION } from '../version.js';

const KEY = Symbol.for('thimble.copies');
const shared = globalThis as { [KEY]?: Map<string, string> };

/** Every copy of this package that is loaded, folder → version. Each writes itself down, in a place that all of them know. */
const copies = (shared[KEY] ??= new Map());
copies.set(new URL(import.meta.url.replace(/(src|dist)\/[^?]*$/, '')).pathname, VERSION);

/**
 * Checks that this package is loaded once. Tokens and errors work across copies, but a plugin that brings a copy of its own shares neither classes nor the
 * books of what is installed where with its pipeline.
 *
 * @throws ThimbleError `ERR_CORE_DUPLICATE` that names the copies
 */
export function assertOneCore(plugin: string): void {
  if (copies.size > 1)
    throw new ThimbleError('ERR_CORE_DUPLICATE', {
      plugin,
      copies: Array.from(copies, ([folder, version]) => `${folder} (${version})`),
    });
}
