import type { GgufScalar, GgufValue } from '../GgufArray.js';

/** Values of a GGUF file's metadata by key. */
export type Metadata = Readonly<Record<string, GgufValue>>;

/** The files of a tokenizer's folder, by name. */
export type TokenizerFiles = ReadonlyMap<string, string>;

/** A list of metadata, also a long one; empty where there is none. */
export async function listOf(value: GgufValue | undefined): Promise<readonly GgufScalar[]> {
  if (typeof value !== 'object') return [];
  return 'read' in value ? value.read() : value;
}
