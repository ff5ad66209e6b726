import { createHash } from 'node:crypto';
import type { MergeTable } from './MergeTable.js';
import type { Vocabulary } from './Vocabulary.js';

/** What byte-pair encoding goes by. It does not change. */
export interface EncodingTables {
  readonly vocabulary: Vocabulary;
  readonly merges: MergeTable;
}

/** By what was read, as long as a tokenizer has them. */
const known = new Map<string, { readonly vocabulary: WeakRef<Vocabulary>; readonly merges: WeakRef<MergeTable> }>();

/**
 * The tables that are made of these files, which some tokenizer may have already: both of SDXL's, and those of pipelines side by side, mostly have the same, and reading them is the largest part of
 * opening a checkpoint.
 *
 * @param read makes them
 * @throws what `read` throws
 */
export function sharedTables(files: readonly Uint8Array[], read: () => EncodingTables): EncodingTables {
  const key = files.map((bytes) => createHash('sha256').update(bytes).digest('hex')).join(' ');
  const [vocabulary, merges] = [known.get(key)?.vocabulary.deref(), known.get(key)?.merges.deref()];
  if (vocabulary !== undefined && merges !== undefined) return { vocabulary, merges };
  for (const [old, tables] of known) if (tables.merges.deref() === undefined) known.delete(old);
  const tables = read();
  known.set(key, { vocabulary: new WeakRef(tables.vocabulary), merges: new WeakRef(tables.merges) });
  return tables;
}
