import { ThimbleError } from '../errors.js';
import { containerMemory } from './containerMemory.js';
import type { Allocator } from './DeviceOptions.js';

const MB = 2 ** 20;

/** What one layer may take for itself at once where nothing is said: 32 MB. */
export const DEFAULT_TRANSIENT_BYTES = 32 * MB;

const UNITS: Readonly<Record<string, number>> = { '': 1, KB: 2 ** 10, MB, GB: 2 ** 30 };

/** Above this the speed of an allocator that keeps its memory is worth what it keeps. */
const ROOMY = 1024 * MB;

/** Below this every freed page counts. */
const TIGHT = 448 * MB;

/** Share of the limit that one layer may take for itself: 8 MB of 192. */
const TRANSIENT_SHARE = 1 / 24;

/**
 * What follows from the memory that both processes together may take. Results are the same within float tolerance under any of them.
 */
export class MemoryBudget {
  /** In bytes; `undefined` = no limit. */
  readonly limit: number | undefined;

  constructor(limit?: number) {
    this.limit = limit;
  }

  /**
   * Reads a limit: bytes, or a text such as '192MB' (MB = 2^20 bytes); by default the limit of the container, if there is one;
   * 'none' = no limit whatever the container says.
   *
   * @throws ERR_ARGUMENT_INVALID
   */
  static of(limit: number | string | undefined): MemoryBudget {
    if (limit === undefined) return new MemoryBudget(containerMemory());
    if (limit === 'none') return new MemoryBudget();
    const bytes = typeof limit === 'number' ? limit : parseBytes(limit);
    if (Number.isFinite(bytes) && bytes > 0) return new MemoryBudget(bytes);
    throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'memoryLimit', value: limit, expected: "a number of bytes, a text such as '192MB' or '1.5GB', or 'none'" });
  }

  /** What a layer may take for itself at once: the scores of a piece of attention, a widened weight, the hidden features of a feed-forward. */
  get transientBytes(): number {
    if (this.limit === undefined) return DEFAULT_TRANSIENT_BYTES;
    return Math.min(DEFAULT_TRANSIENT_BYTES, Math.max(4 * MB, Math.floor(this.limit * TRANSIENT_SHARE)));
  }

  /** What the allocator does with freed memory. */
  get allocator(): Allocator {
    if (this.limit === undefined || this.limit >= ROOMY) return 'keep';
    return this.limit >= TIGHT ? 'trim' : 'return';
  }

  /** How many samples of a batch are computed at once: one where the activations of several might not fit. */
  get maxBatch(): number {
    return this.limit === undefined || this.limit >= ROOMY ? Infinity : 1;
  }
}

function parseBytes(text: string): number {
  const [, digits, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([KMG]B)?\s*$/i.exec(text) ?? [];
  return Math.floor(Number(digits ?? NaN) * (UNITS[unit.toUpperCase()] ?? NaN));
}
