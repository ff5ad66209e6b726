import type { Device } from '../device/Device.js';
import { bytesPerRow, type DeviceRows, type RowRange, type RowsOptions } from '../device/DeviceRows.js';
import type { DeviceTensor } from '../device/DeviceTensor.js';
import { spillFolder } from '../device/spillFolder.js';
import { isThimbleError } from '../errors.js';

/** Where large values of one sample, such as the skip connections of a U-Net, wait on disk until a segment needs them. */
export class Parking {
  readonly #device: Device;
  readonly #bytes: number;
  readonly #signal: AbortSignal | undefined;

  /** `bytes`: from which size on. */
  constructor(device: Device, bytes: number, signal?: AbortSignal) {
    this.#device = device;
    this.#signal = signal;
    this.#bytes = bytes;
  }

  /**
   * Copies a tensor [1, channels, height, width] to a file; the tensor stays. `undefined` for one of another shape or too small, and where no disk has room for it.
   *
   * @throws `signal.reason`; ERR_FILE_ACCESS, ERR_DISK_FULL of the file that is written
   */
  async park(tensor: DeviceTensor): Promise<DeviceRows | undefined> {
    const shape = rowsOf(tensor);
    if (shape === undefined) return undefined;
    const byteLength = shape.outer * shape.rows * bytesPerRow(shape);
    if (byteLength < this.#bytes || byteLength === 0) return undefined;
    const folder = await diskFor(byteLength);
    if (folder === undefined) return undefined;
    const parked = await this.#device.createRows({ ...shape, folder });
    try {
      await this.#device.run({ inputs: { value: tensor }, steps: [], outputs: { value: allOf(parked) } }, this.#signal);
    } catch (error) {
      await this.#device.free([parked]);
      throw error;
    }
    return parked;
  }

  /** A new tensor with its elements. */
  async recall(parked: DeviceRows): Promise<DeviceTensor> {
    const { kept } = await this.#device.run(
      { inputs: { value: allOf(parked) }, steps: [], outputs: { value: 'keep' } },
      this.#signal,
    );
    return kept['value'] as DeviceTensor;
  }
}

/** A tensor [1, channels, height, width] as rows. */
function rowsOf({ type, dims: [samples, outer, rows, inner, ...more] }: DeviceTensor): RowsOptions | undefined {
  if (type !== 'float32' && type !== 'float16') return undefined;
  if (samples !== 1 || outer === undefined || rows === undefined || inner === undefined || more.length > 0)
    return undefined;
  return { type, outer, rows, inner };
}

function allOf(rows: DeviceRows): RowRange {
  return { of: rows, start: 0, count: rows.rows };
}

async function diskFor(bytes: number): Promise<string | undefined> {
  try {
    return await spillFolder(undefined, bytes);
  } catch (error) {
    if (isThimbleError(error)) return undefined;
    throw error;
  }
}
