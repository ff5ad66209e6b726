import { createInterface } from 'node:readline/promises';
import { isThimbleError } from '@thimble/core';
import { removeCachedModel } from '@thimble/core/model';
import { DerivedWeightsCache } from '@thimble/core/plugin';
import { CliError } from '../CliError.js';
import { formatBytes } from '../progress/quantities.js';
import { print, tell } from '../standardOutput.js';
import { usage } from '../usage.js';
import { type CacheReport, reportCache, SHORT_KEY } from './CacheReport.js';
import type { ClearFlags } from './ClearFlags.js';

/** Something that can be removed. */
interface Removable {
  readonly name: string;
  readonly bytes: number;
  readonly remove: () => Promise<void>;
}

/** Fewer digits of a key could be meant otherwise. */
const LEAST_DIGITS = 6;

/**
 * Does what `thimble cache clear` says. What is in use stays.
 *
 * @throws CliError ERR_USAGE for a name that is none, ERR_CACHE_NOT_CLEARED where something is in use
 */
export async function clearCache(name: string | undefined, flags: ClearFlags, signal: AbortSignal): Promise<void> {
  if (name !== undefined && flags.only !== undefined)
    usage(`"${name}" and --only ask for two things; drop one of them`);
  const items = chosen(removables(await reportCache(), flags.only), name);
  if (!(await isConfirmed(items, flags, signal))) return print('Nothing was removed.\n');
  const kept: string[] = [];
  let bytes = 0;
  for (const item of items) {
    signal.throwIfAborted();
    try {
      await item.remove();
      bytes += item.bytes;
    } catch (error) {
      // Somebody else removed it.
      if (isThimbleError(error, 'ERR_CACHE_UNKNOWN')) continue;
      if (!isThimbleError(error, 'ERR_CACHE_IN_USE')) throw error;
      kept.push(item.name);
    }
  }
  if (kept.length < items.length || items.length === 0) print(`${formatBytes(bytes)} freed.\n`);
  if (kept.length > 0) throw new CliError('ERR_CACHE_NOT_CLEARED', { names: kept });
}

function removables({ models, weights, folder }: CacheReport, only: ClearFlags['only']): readonly Removable[] {
  const cache = new DerivedWeightsCache({ folder, maxBytes: Infinity });
  return [
    ...(only === 'weights' ? [] : models).map(({ id, bytes }) => ({
      name: id,
      bytes,
      remove: async () => removeCachedModel(id),
    })),
    ...(only === 'models' ? [] : weights).map(({ key, bytes }) => ({
      name: key.slice(0, SHORT_KEY),
      bytes,
      remove: async () => cache.remove(key),
    })),
  ];
}

/** @throws CliError ERR_USAGE */
function chosen(items: readonly Removable[], name: string | undefined): readonly Removable[] {
  if (name === undefined) return items;
  const found = items.filter((item) => item.name === name || isStart(name, item.name));
  if (found.length === 1) return found;
  return usage(`there is no "${name}" in the cache, or more than one; thimble cache list shows what there is`);
}

function isStart(name: string, whole: string): boolean {
  return name.length >= LEAST_DIGITS && /^[0-9a-f]+$/.test(name) && (whole.startsWith(name) || name.startsWith(whole));
}

/** People at a terminal are asked; programs have said what they mean. */
async function isConfirmed(
  items: readonly Removable[],
  { yes = false }: ClearFlags,
  signal: AbortSignal,
): Promise<boolean> {
  if (yes || items.length === 0 || !process.stdin.isTTY || !process.stderr.isTTY) return true;
  const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
  const what = items.length === 1 ? items[0]!.name : `${items.length} things, which may be other programs', too`;
  tell(`Remove ${what}: ${formatBytes(bytes)}?\n`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(?:es)?$/i.test((await terminal.question('[y/N] ', { signal })).trim());
  } finally {
    terminal.close();
  }
}
