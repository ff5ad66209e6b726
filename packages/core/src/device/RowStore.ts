import { FileBytes, MemoryBytes, type StoredBytes } from './StoredBytes.js';
import { bytesPerRow, type RowsOptions } from './DeviceRows.js';

/** The rows of one tensor on the device, each channel's after those of the one before. */
export class RowStore {
  readonly type: RowsOptions['type'];
  readonly outer: number;
  readonly inner: number;
  readonly #rows: number;
  readonly #bytes: StoredBytes;

  /** @throws ERR_FILE_ACCESS, ERR_FILE_NOT_FOUND, ERR_DISK_FULL */
  constructor({ type, outer, rows, inner, folder }: RowsOptions) {
    this.type = type;
    this.outer = outer;
    this.inner = inner;
    this.#rows = rows;
    this.#bytes = folder === undefined ? new MemoryBytes(outer * rows * this.#rowBytes) : FileBytes.create(folder);
  }

  /** Fills `target` with `count` rows of every channel. Throws a RangeError for rows that are not there. */
  read(start: number, count: number, target: Uint8Array): void {
    for (const { position, from, to } of this.#pieces(start, count, target))
      this.#bytes.read(target.subarray(from, to), position);
  }

  /** Takes `count` rows of every channel from `source`. Throws a RangeError for rows that are not there, or bytes that are not as many. */
  write(start: number, count: number, source: Uint8Array): void {
    for (const { position, from, to } of this.#pieces(start, count, source))
      this.#bytes.write(source.subarray(from, to), position);
  }

  /** Bytes of `count` rows of every channel. */
  byteLength(count: number): number {
    return this.outer * count * this.#rowBytes;
  }

  close(): void {
    this.#bytes.close();
  }

  get #rowBytes(): number {
    return bytesPerRow(this);
  }

  *#pieces(
    start: number,
    count: number,
    bytes: Uint8Array,
  ): Generator<{ readonly position: number; readonly from: number; readonly to: number }> {
    if (start < 0 || count < 1 || start + count > this.#rows)
      throw new RangeError(`rows ${start} to ${start + count} of ${this.#rows}`);
    if (bytes.length !== this.byteLength(count))
      throw new RangeError(`${bytes.length} bytes for ${this.byteLength(count)}`);
    const whole = count === this.#rows;
    const length = (whole ? this.outer : 1) * count * this.#rowBytes;
    for (let channel = 0; channel < (whole ? 1 : this.outer); channel++) {
      yield {
        position: (channel * this.#rows + start) * this.#rowBytes,
        from: channel * length,
        to: (channel + 1) * length,
      };
    }
  }
}
