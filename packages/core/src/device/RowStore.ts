import { bytesPerRow, type RowsOptions } from './DeviceRows.js';

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
