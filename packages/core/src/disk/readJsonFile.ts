import { ThimbleError } from '../errors.js';
import { fileSystemError } from './fileSystemError.js';
import { openForReading } from './openForReading.js';
import { scanJson } from './scanJson.js';

/** A parsed JSON object. */
export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Reads a JSON file that must hold an object.
 *
 * @throws `ERR_JSON_INVALID` with line and column; `ERR_FILE_NOT_FOUND`; `ERR_FILE_ACCESS`
 */
export async function readJsonFile(file: string): Promise<JsonObject> {
  const text = await readText(file);
  const value = parse(text, file);
  if (isJsonObject(value)) return value;
  throw new ThimbleError('ERR_JSON_INVALID', { file, line: 1, column: 1, problem: 'expected an object' });
}

/** Whether `value` is a JSON object: not `null`, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

async function readText(file: string): Promise<string> {
  try {
    await using handle = await openForReading(file);
    return (await handle.readFile('utf8')).replace(/^\uFEFF/, '');
  } catch (error) {
    throw fileSystemError(error, file, 'read');
  }
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(pythonNumbers(text));
  } catch (error) {
    const { offset, problem } = scanJson(text) ?? { offset: 0, problem: 'cannot be parsed' };
    const lines = text.slice(0, offset).split('\n');
    const details = { file, line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1, problem };
    throw new ThimbleError('ERR_JSON_INVALID', details, { cause: error });
  }
}

/** Python's `json` writes infinite numbers by name, as in the config of DPM-Solver; in JSON, a number beyond float64 is as infinite. */
function pythonNumbers(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|\bInfinity\b/g, (part) => (part === 'Infinity' ? '1e999' : part));
}
