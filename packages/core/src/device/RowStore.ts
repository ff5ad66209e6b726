import { bytesPerRow, type RowsOptions } from './DeviceRows.js';
import { FileRows } from './FileRows.js';

/** The rows of one tensor [1, outer, rows, inner] on the device, in memory or in a file. */
export interface RowStore extends Disposable {
  readonly type: RowsOptions['type'];
  readonly outer: number;
  readonly inner: number;
  /** Fills `target` with `count` rows of every channel. Throws a RangeError for rows that are not there. @throws ERR_DISK_FULL of what was written before */
  read(start: number, count: number, target: Uint8Array): Promise<void>;
  /** Takes `count` rows of every channel from `source`. Throws a RangeError for rows that are not there, or bytes that are not as many. @throws ERR_DISK_FULL */
  write(start: number, count: number, source: Uint8Array): Promise<void>;
  /** Bytes of `count` rows of every channel. */
  byteLength(count: number): number;
}

/** @throws ERR_FILE_ACCESS, ERR_FILE_NOT_FOUND, ERR_DISK_FULL */
export function createRowStore(options: RowsOptions): RowStore {
  const { folder } = options;
  return folder === undefined ? new MemoryRows(options) : new FileRows({ ...options, folder });
}

/** Throws a RangeError for rows that are not there, and bytes that are not those of as many. */
export function checkRows(
  { outer, rows, inner, type }: RowsOptions,
  { start, count, bytes }: { readonly start: number; readonly count: number; readonly bytes: Uint8Array },
): void {
  if (start < 0 || count < 1 || start + count > rows)
    throw new RangeError(`rows ${start} to ${start + count} of ${rows}`);
  const needed = outer * count * bytesPerRow({ type, inner });
  if (bytes.length !== needed) throw new RangeError(`${bytes.length} bytes for ${needed}`);
}

/** Rows in memory, each channel's after those of the one before. */
class MemoryRows implements RowStore {
  readonly type: RowsOptions['type'];
  readonly outer: number;
  readonly inner: number;
  readonly #options: RowsOptions;
  #bytes: Uint8Array;

  constructor(options: RowsOptions) {
    this.type = options.type;
    this.outer = options.outer;
    this.inner = options.inner;
    this.#options = options;
    this.#bytes = new Uint8Array(this.byteLength(options.rows));
  }

  async read(start: number, count: number, target: Uint8Array): Promise<void> {
    checkRows(this.#options, { start, count, bytes: target });
    const length = count * bytesPerRow(this);
    for (let channel = 0; channel < this.outer; channel++)
      target.set(this.#channel(channel, start, length), channel * length);
  }

  async write(start: number, count: number, source: Uint8Array): Promise<void> {
    checkRows(this.#options, { start, count, bytes: source });
    const length = count * bytesPerRow(this);
    for (let channel = 0; channel < this.outer; channel++)
      this.#channel(channel, start, length).set(source.subarray(channel * length, (channel + 1) * length));
  }

  byteLength(count: number): number {
    return this.outer * count * bytesPerRow(this);
  }

  [Symbol.dispose](): void {
    this.#bytes = new Uint8Array();
  }

  #channel(channel: number, start: number, length: number): Uint8Array {
    const position = (channel * this.#options.rows + start) * bytesPerRow(this);
    return this.#bytes.subarray(position, position + length);
  }
}
