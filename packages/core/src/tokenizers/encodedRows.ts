import { Tensor } from 'onnxruntime-common';
import type { EncodedPrompts } from './Tokenizer.js';

/** How rows of ids are made equally long. */
export interface RowPadding {
  readonly length: number;
  readonly padTokenId: number;
  /** Default 'right'. */
  readonly paddingSide?: 'left' | 'right';
}

/** Ids of prompts as what a text encoder takes; no row is longer than `length`. */
export function encodedRows(
  rows: readonly (readonly number[])[],
  { length, padTokenId, paddingSide = 'right' }: RowPadding,
): EncodedPrompts {
  const ids = new BigInt64Array(rows.length * length).fill(BigInt(padTokenId));
  const mask = new BigInt64Array(ids.length);
  for (const [n, row] of rows.entries()) {
    const start = n * length + (paddingSide === 'left' ? length - row.length : 0);
    ids.set(row.map(BigInt), start);
    mask.fill(1n, start, start + row.length);
  }
  const dims = [rows.length, length];
  return { input_ids: new Tensor('int64', ids, dims), attention_mask: new Tensor('int64', mask, dims) };
}
