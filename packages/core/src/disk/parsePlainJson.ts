import { isJsonObject, type JsonObject } from './readJsonFile.js';

const TEXT = /"(?:[^"\\]|\\.)*"/g;
/** What numbers other than natural ones are written with. */
const OTHER_NUMBER = /[-+.eE]\d|\d[eE]/;

/**
 * Parses a JSON object that has nothing to look into: each key once, all numbers natural and written as such. Ten times as fast as a scan for what may be
 * wrong with it, which is for the others.
 *
 * @returns undefined for any other text
 */
export function parsePlainJson(text: string): JsonObject | undefined {
  const bare = text.replace(TEXT, '"');
  if (OTHER_NUMBER.test(bare)) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const keys = bare.match(/"\s*:/g)?.length ?? 0;
    return isJsonObject(value) && keysIn(value) === keys ? value : undefined;
  } catch {
    return undefined;
  }
}

function keysIn(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + keysIn(each), 0);
  if (!isJsonObject(value)) return 0;
  return Object.values(value).reduce((sum: number, each) => sum + 1 + keysIn(each), 0);
}
