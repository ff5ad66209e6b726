/** What {@link Device.createRows} makes: a tensor [1, outer, rows, inner] that is written and read a few rows at a time. */
export interface RowsOptions {
  readonly type: 'float32' | 'float16';
  /** What lies beyond the rows, such as the channels of a picture; 1 for tokens. */
  readonly outer: number;
  readonly rows: number;
  /** Elements of one row, such as the width of a picture or the features of a token. */
  readonly inner: number;
  /** Keep the rows in a file of this folder, not in memory. The file has no name: it is gone with the device's process, however that ends. */
  readonly folder?: string | undefined;
}

const BYTES_PER_ELEMENT = { float32: 4, float16: 2 } as const;

/** Bytes of one row of one channel. */
export function bytesPerRow({ type, inner }: Pick<RowsOptions, 'type' | 'inner'>): number {
  return inner * BYTES_PER_ELEMENT[type];
}

/** Rows that lie on a device; a handle, not data. */
export interface DeviceRows extends RowsOptions {
  readonly id: number;
}

/** Some rows: as an input of a {@link Program} a tensor [1, outer, count, inner], as an output the place that a tensor of as many elements goes to. */
export interface RowRange {
  readonly of: DeviceRows;
  readonly start: number;
  readonly count: number;
}
