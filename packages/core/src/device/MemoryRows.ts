import { bytesPerRow, type RowsOptions } from './DeviceRows.js';
import { checkRows, type RowStore } from './RowStore.js';

/** Rows in memory, each channel's after those of the one before. */
export class MemoryRows implements RowStore {
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
