import type { GraphWeight } from '@thimble/core/plugin';

/** What one matrix of int8 is made from: a weight, or the rows (output channels) of it that one node reads. */
export type Int8Layer = Pick<GraphWeight, 'key' | 'rows' | 'shape'>;

/** Name of a layer's matrix, the same for every node that reads the same rows. */
export function nameOfLayer({ key, rows: [start, count], shape }: Int8Layer): string {
  return start === 0 && count === shape[0] ? key : `${key}[${start}:${start + count}]`;
}
