import { checkMembers } from '../../fields/checkMembers.js';
import { FormatRegistry } from '../../weights/FormatRegistry.js';
import type { GraphWeight } from '../Graph.js';
import { bfloat16 } from './bfloat16.js';
import { float16 } from './float16.js';
import { float32 } from './float32.js';
import { float8E4m3fn } from './float8E4m3fn.js';
import { float8E5m2 } from './float8E5m2.js';
import { int8Rows } from './int8Rows.js';
import { scaled } from './scaled.js';
import type { BoundWeight, StorageFormat } from './StorageFormat.js';

/** Core's, and those of plugins. */
const registry = new FormatRegistry<'dtype', StorageFormat>('storage', 'dtype', [
  float32,
  float16,
  bfloat16,
  float8E4m3fn,
  float8E5m2,
  scaled(float8E4m3fn),
  scaled(float8E5m2),
  int8Rows,
]);

/** The format of weights of a type, as `TensorView.dtype` says it; `undefined` for types that weights cannot have, such as I64. */
export function storageFormatOf(dtype: string): StorageFormat | undefined {
  return registry.find(dtype);
}

/** What weights may be stored in. */
export function storageFormatNames(): readonly string[] {
  return registry.formats.map((format) => format.dtype);
}

/**
 * Adds a format of one's own, until the result is disposed. A format says what bytes mean, so it is the same for all pipelines; the same one may be registered for each.
 *
 * @throws ERR_ARGUMENT_INVALID for what is no format, and for a name that another format has
 */
export function registerStorageFormat(format: StorageFormat): Disposable {
  checkMembers('format', format, 'a storage format', ['dtype', 'block', 'widen', 'widenRows', 'read']);
  return registry.register(format);
}

/** A weight that has to be widened where it is used: one that the graph sees as float32 and that is stored otherwise. */
export interface NarrowWeight {
  readonly weight: BoundWeight;
  readonly format: StorageFormat;
}

/** How a weight of a graph is stored; `undefined` for one that is used as it lies. */
export function narrowWeightOf(weight: GraphWeight): NarrowWeight | undefined {
  const { type, source } = weight;
  if (type !== 'float32' || source === undefined || source.dtype === float32.dtype) return undefined;
  const format = storageFormatOf(source.dtype);
  if (format === undefined)
    throw new TypeError(`weight ${weight.key} is stored as ${source.dtype}, which is no storage format`);
  return { weight: weight as BoundWeight, format };
}
