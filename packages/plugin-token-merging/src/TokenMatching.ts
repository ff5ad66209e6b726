import { type Emitter, evenChunks } from '@thimble/core/plugin';
import type { TokenSplit } from './TokenSplit.js';

const FLOAT32_BYTES = 4;

/** Tokens of one attention, and how many of them are merged. */
export interface MatchingSite extends TokenSplit {
  /** [n, tokens, width]: what tokens are compared by. */
  readonly hidden: string;
  readonly samples: number;
  readonly width: number;
  /** How many of the sources are merged, from 1. */
  readonly merged: number;
}

/**
 * Emits what finds out which tokens are alike, what merges them and what spreads them again. Of the sources those most like a destination are merged into it: they become the mean of
 * all that are merged there (source: D. Bolya and J. Hoffman, "Token Merging for Fast Stable Diffusion", 2023, arXiv 2303.17604; tomesd's merge.py).
 */
export class TokenMatching {
  readonly #site: MatchingSite;
  readonly #emit: Emitter;
  /** int64 [n, sources]: sources in the order of how alike they are to a destination, the most alike first. */
  readonly #order: string;
  /** int64 [n, merged] and [n, sources - merged]: `#order` in two. */
  readonly #merged: string;
  readonly #kept: string | undefined;
  /** int64 [n, merged]: the destination of each. */
  readonly #into: string;

  /** `budget`: the most bytes that the likenesses of some sources to all destinations may take. */
  constructor(site: MatchingSite, emit: Emitter, budget: number) {
    this.#site = site;
    this.#emit = emit;
    const { samples, sources, merged } = site;
    const { likeness, nearest } = this.#compare(budget);
    const all = emit.constant('int64', [1], [sources.length]);
    this.#order = emit.many('TopK', [this.#shaped(likeness, [samples, sources.length]), all], 2, {
      axis: { int: -1 },
    })[1] as string;
    [this.#merged, this.#kept] = this.#cut(merged, sources.length - merged);
    const places = this.#shaped(nearest, [samples, sources.length]);
    this.#into = emit.one('GatherElements', [places, this.#merged], { axis: { int: 1 } });
  }

  get #keptCount(): number {
    return this.#site.sources.length - this.#site.merged;
  }

  /** How many tokens are left of a sample: the sources that are kept, then the destinations. */
  get count(): number {
    return this.#keptCount + this.#site.destinations.length;
  }

  /** [n, tokens, width] → [n, count, width]. */
  merge(value: string): string {
    const emit = this.#emit;
    const { samples, destinations, merged, width } = this.#site;
    const moved = this.#sourceRows(value, this.#merged);
    const start = emit.one('Gather', [value, this.#places(destinations)], { axis: { int: 1 } });
    const added = { axis: { int: 1 }, reduction: { string: 'add' } } as const;
    const wide = emit.one('Expand', [
      this.#shaped(this.#into, [samples, merged, 1]),
      emit.constant('int64', [3], [samples, merged, width]),
    ]);
    const total = emit.one('ScatterElements', [start, wide, moved], added);
    const counts = emit.one(
      'ScatterElements',
      [this.#ones(destinations.length), this.#into, this.#ones(merged)],
      added,
    );
    const mean = emit.one('Div', [total, this.#shaped(counts, [samples, destinations.length, 1])]);
    if (this.#kept === undefined) return mean;
    return emit.one('Concat', [this.#sourceRows(value, this.#kept), mean], { axis: { int: 1 } });
  }

  /** [n, count, width] → [n, tokens, width], as the value `output`, by nodes of `after`: each token gets what the one that it was merged into has. */
  unmerge(value: string, output: string, after: Emitter): void {
    const { samples, width } = this.#site;
    const flat = after.one('Reshape', [value, after.constant('int64', [2], [samples * this.count, width])]);
    after.last('Gather', [flat, this.#rowsOfTokens()], output, { axis: { int: 0 } });
  }

  /** int64 [n, tokens]: for each token its row among what is left of all samples. */
  #rowsOfTokens(): string {
    const emit = this.#emit;
    const { sources, destinations } = this.#site;
    const kept = this.#keptCount;
    const mergedRows = emit.one('Add', [this.#into, emit.constant('int64', [], [kept])]);
    const keptRows = this.#repeated(Array.from({ length: kept }, (_, i) => i));
    const ordered =
      keptRows === undefined ? mergedRows : emit.one('Concat', [mergedRows, keptRows], { axis: { int: 1 } });
    // The order names each source once, so that nothing of it is left.
    const ofSources = emit.one('ScatterElements', [this.#order, this.#order, ordered], { axis: { int: 1 } });
    const ofDestinations = this.#repeated(destinations.map((_, i) => kept + i)) as string;
    const rows = emit.one('Concat', [ofSources, ofDestinations], { axis: { int: 1 } });
    const inOrder: number[] = [];
    for (const [i, token] of [...sources, ...destinations].entries()) inOrder[token] = i;
    const found = emit.one('Gather', [rows, this.#places(inOrder)], { axis: { int: 1 } });
    return this.#inBatch(found, this.count);
  }

  /** For each source how alike the most alike destination is, the cosine of the angle between them, and which one that is; [n, sources, 1]. */
  #compare(budget: number): { readonly likeness: string; readonly nearest: string } {
    const emit = this.#emit;
    const { hidden, samples, sources, destinations } = this.#site;
    const lengths = emit.one('ReduceL2', [hidden, emit.constant('int64', [1], [-1])]);
    const positive = emit.one('Max', [lengths, emit.constant('float32', [], [1e-6])]);
    const unit = emit.one('Div', [hidden, positive]);
    const to = emit.one('Gather', [unit, this.#places(destinations)], { axis: { int: 1 } });
    const turned = emit.one('Transpose', [to], { perm: { ints: [0, 2, 1] } });
    const best = evenChunks(sources.length, budget / (samples * destinations.length * FLOAT32_BYTES)).map(
      ([start, count]) => {
        const from = emit.one('Gather', [unit, this.#places(sources.slice(start, start + count))], {
          axis: { int: 1 },
        });
        const scores = emit.one('MatMul', [from, turned]);
        return emit.many('TopK', [scores, emit.constant('int64', [1], [1])], 2, { axis: { int: -1 } });
      },
    );
    const joined = (parts: readonly string[]): string =>
      parts.length === 1 ? (parts[0] as string) : emit.one('Concat', parts, { axis: { int: 1 } });
    return {
      likeness: joined(best.map(([value]) => value as string)),
      nearest: joined(best.map(([, place]) => place as string)),
    };
  }

  #cut(merged: number, kept: number): [string, string | undefined] {
    if (kept === 0) return [this.#order, undefined];
    const sizes = this.#emit.constant('int64', [2], [merged, kept]);
    return this.#emit.many('Split', [this.#order, sizes], 2, { axis: { int: 1 } }) as [string, string];
  }

  /** [n, tokens, width] → [n, k, width] of the sources of which `which` [n, k] has the numbers. */
  #sourceRows(value: string, which: string): string {
    const { samples, width, sources, destinations } = this.#site;
    const tokens = sources.length + destinations.length;
    const places = this.#emit.one('Gather', [this.#places(sources), which], { axis: { int: 0 } });
    const flat = this.#shaped(value, [samples * tokens, width]);
    return this.#emit.one('Gather', [flat, this.#inBatch(places, tokens)], { axis: { int: 0 } });
  }

  /** Rows of each sample, [n, k], as rows of all samples, which have `size` each. */
  #inBatch(rows: string, size: number): string {
    const { samples } = this.#site;
    if (samples === 1) return rows;
    const starts = Array.from({ length: samples }, (_, i) => i * size);
    return this.#emit.one('Add', [rows, this.#emit.constant('int64', [samples, 1], starts)]);
  }

  /** The same row for each sample, [n, k]; `undefined` for an empty one. */
  #repeated(row: readonly number[]): string | undefined {
    const { samples } = this.#site;
    if (row.length === 0) return undefined;
    const data = Array.from({ length: samples * row.length }, (_, i) => row[i % row.length] as number);
    return this.#emit.constant('int64', [samples, row.length], data);
  }

  /** float32 [n, count]. */
  #ones(count: number): string {
    const shape = this.#emit.constant('int64', [2], [this.#site.samples, count]);
    return this.#emit.one('Expand', [this.#emit.constant('float32', [1, 1], [1]), shape]);
  }

  #places(list: readonly number[]): string {
    return this.#emit.constant('int64', [list.length], list);
  }

  #shaped(value: string, dims: readonly number[]): string {
    return this.#emit.one('Reshape', [value, this.#emit.constant('int64', [dims.length], dims)]);
  }
}
