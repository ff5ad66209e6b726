/** A tensor that lies on a device; a handle, not data. */
export interface DeviceTensor {
  readonly id: number;
  readonly type: string;
  readonly dims: readonly number[];
}
