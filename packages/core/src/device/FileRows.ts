import { bytesPerRow, type RowsOptions } from './DeviceRows.js';
import { checkRows, type RowStore } from './RowStore.js';
import { SpillFile } from './SpillFile.js';

/** How many writes may be on their way before the next one waits. */
const MOST_WRITES = 2;

/** What is written or read whole goes through buffers of about so many bytes: a buffer for all of it would be there as often as values wait. */
const PIECE_BYTES = 2 ** 20;

/** Rows that two strips have in common where nothing is known yet: those of a convolution of 3 × 3. */
const USUAL_OVERLAP = 2;

/** Rows of a file, in memory as they lie there. */
interface Piece {
  readonly start: number;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly done: Promise<void>;
}

/** Some of the rows that lie together by channels: `count` from `from` on, of `of`. */
interface Part {
  readonly from: number;
  readonly count: number;
  readonly of: number;
}

/**
 * Rows in a temporary file, all channels of a row together, so that some rows are one piece of it. Rows are written while the next ones are computed; and since they are
 * mostly read one strip after the other, the next strip is read meanwhile too.
 */
export class FileRows implements RowStore {
  readonly type: RowsOptions['type'];
  readonly outer: number;
  readonly inner: number;
  readonly #options: RowsOptions;
  readonly #file: SpillFile;
  /** Bytes from one row to the next. */
  readonly #stride: number;
  readonly #writes = new Set<Promise<void>>();
  readonly #free: Uint8Array[] = [];
  #failure: { readonly reason: unknown } | undefined;
  #ahead: Piece | undefined;
  /** Where the last read began and ended. */
  #last: { readonly end: number; readonly overlap: number } | undefined;

  /** @throws ERR_FILE_ACCESS, ERR_FILE_NOT_FOUND, ERR_DISK_FULL */
  constructor(options: RowsOptions & { readonly folder: string }) {
    this.type = options.type;
    this.outer = options.outer;
    this.inner = options.inner;
    this.#options = options;
    this.#file = SpillFile.create(options.folder, this.byteLength(1));
    this.#stride = this.#file.stride;
  }

  async read(start: number, count: number, target: Uint8Array): Promise<void> {
    checkRows(this.#options, { start, count, bytes: target });
    await this.#written();
    if (count === this.#options.rows) return this.#readWhole(target);
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const isAhead = ahead !== undefined && start >= ahead.start && start + count <= ahead.start + ahead.count;
    const piece = isAhead ? ahead : this.#begin(start, count);
    if (ahead !== undefined && !isAhead) await this.#giveBack(ahead);
    try {
      await piece.done;
      const bytes = piece.bytes.subarray((start - piece.start) * this.#stride);
      this.#copy(bytes, target, 'toChannels', { count, of: count, from: 0 });
    } finally {
      this.#free.push(piece.bytes);
    }
    this.#readAhead(start, count);
  }

  async write(start: number, count: number, source: Uint8Array): Promise<void> {
    checkRows(this.#options, { start, count, bytes: source });
    while (this.#writes.size >= MOST_WRITES) await Promise.race(this.#writes);
    this.#checkFailure();
    // What was read ahead of it is no longer what lies there.
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead !== undefined) await this.#giveBack(ahead);
    if (count === this.#options.rows) return this.#writeWhole(source);
    const bytes = this.#take(count);
    this.#copy(bytes, source, 'toRows', { count, of: count, from: 0 });
    const written = this.#write(bytes, start * this.#stride).finally(() => this.#writes.delete(written));
    this.#writes.add(written);
  }

  byteLength(count: number): number {
    return this.outer * count * bytesPerRow(this);
  }

  /** The file goes once nothing is on its way to it any more. */
  [Symbol.dispose](): void {
    const ending = [...this.#writes, this.#ahead?.done ?? Promise.resolve()];
    void Promise.allSettled(ending).then(() => this.#file[Symbol.dispose]());
  }

  async #write(bytes: Uint8Array, position: number): Promise<void> {
    try {
      await this.#file.write(bytes, position);
    } catch (reason) {
      this.#failure ??= { reason };
    } finally {
      this.#free.push(bytes);
    }
  }

  async #writeWhole(source: Uint8Array): Promise<void> {
    await this.#written();
    for (const { bytes, part } of this.#pieces()) {
      this.#copy(bytes, source, 'toRows', part);
      await this.#file.write(bytes, part.from * this.#stride);
    }
  }

  async #readWhole(target: Uint8Array): Promise<void> {
    for (const { bytes, part } of this.#pieces()) {
      await this.#file.read(bytes, part.from * this.#stride);
      this.#copy(bytes, target, 'toChannels', part);
    }
  }

  /** All rows, one piece after the other in the same buffer. */
  *#pieces(): Generator<{ readonly bytes: Uint8Array; readonly part: Part }> {
    const { rows } = this.#options;
    const most = Math.min(rows, Math.max(1, Math.floor(PIECE_BYTES / this.#stride)));
    const buffer = this.#file.buffer(most * this.#stride);
    for (let from = 0; from < rows; from += most) {
      const count = Math.min(most, rows - from);
      yield { bytes: buffer.subarray(0, count * this.#stride), part: { from, count, of: rows } };
    }
  }

  async #written(): Promise<void> {
    await Promise.all(this.#writes);
    this.#checkFailure();
  }

  #checkFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.reason;
  }

  #begin(start: number, count: number): Piece {
    const bytes = this.#take(count);
    return { start, count, bytes, done: this.#file.read(bytes, start * this.#stride) };
  }

  /** The rows of the next strip, if strips go on as they did. */
  #readAhead(start: number, count: number): void {
    const { rows } = this.#options;
    const first = this.#last === undefined;
    const overlap = this.#last === undefined ? USUAL_OVERLAP : Math.max(0, this.#last.end - start);
    const end = start + count;
    this.#last = { end, overlap };
    const next = Math.max(0, end - overlap);
    const length = Math.min(first ? count + 1 : count, rows - next);
    if (end >= rows || length <= 0 || next <= start) return;
    this.#ahead = this.#begin(next, length);
    // Who asks for them is told.
    this.#ahead.done.catch(() => undefined);
  }

  async #giveBack({ bytes, done }: Piece): Promise<void> {
    await done.catch(() => undefined);
    this.#free.push(bytes);
  }

  #take(count: number): Uint8Array {
    const length = count * this.#stride;
    const at = this.#free.findIndex((bytes) => bytes.length >= length);
    const found = at < 0 ? undefined : this.#free.splice(at, 1)[0];
    // Strips are of one size but for the first and the last one, whose buffers would pile up.
    if (found === undefined) this.#free.length = 0;
    return (found ?? this.#file.buffer(length)).subarray(0, length);
  }

  /** Between rows of all channels, and channels of rows, of which `byRow` has a part. */
  #copy(byRow: Uint8Array, byChannel: Uint8Array, way: 'toRows' | 'toChannels', { from, count, of }: Part): void {
    const length = bytesPerRow(this);
    for (let row = 0; row < count; row++) {
      for (let channel = 0; channel < this.outer; channel++) {
        const inRow = row * this.#stride + channel * length;
        const inChannel = (channel * of + from + row) * length;
        if (way === 'toRows') byRow.set(byChannel.subarray(inChannel, inChannel + length), inRow);
        else byChannel.set(byRow.subarray(inRow, inRow + length), inChannel);
      }
    }
  }
}
