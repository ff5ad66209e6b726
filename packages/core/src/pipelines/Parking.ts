import type { Device } from '../device/Device.js';
import type { DeviceRows, RowRange } from '../device/DeviceRows.js';
import type { DeviceTensor } from '../device/DeviceTensor.js';
import { spillFolder } from '../device/spillFolder.js';
import { isThimbleError } from '../errors.js';

const BYTES_PER_ELEMENT: Readonly<Record<string, number>> = { float32: 4, float16: 2 };

/** A tensor that lies in a file of the device. */
export interface ParkedTensor {
  readonly rows: DeviceRows;
}

/** Where large values of one sample, such as the skip connections of a U-Net, wait on disk until a segment needs them. */
export class Parking {
  readonly #device: Device;
  readonly #bytes: number;

  /** `bytes`: from which size on. */
  constructor(device: Device, bytes: number) {
    this.#device = device;
    this.#bytes = bytes;
  }

  /**
   * Copies a tensor [1, channels, height, width] to a file; the tensor stays. `undefined` for one of another shape or too small, and where no disk has room for it.
   *
   * @throws ERR_FILE_ACCESS, ERR_DISK_FULL of the file that is written
   */
  async park(tensor: DeviceTensor): Promise<ParkedTensor | undefined> {
    const { type, dims: [samples, outer, rows, inner, ...more] } = tensor;
    if (samples !== 1 || outer === undefined || rows === undefined || inner === undefined || more.length > 0) return undefined;
    const byteLength = outer * rows * inner * (BYTES_PER_ELEMENT[type] ?? 0);
    if (byteLength < this.#bytes || byteLength === 0) return undefined;
    const folder = await diskFor(byteLength);
    if (folder === undefined) return undefined;
    const parked = { rows: await this.#device.createRows({ type: type as 'float32' | 'float16', outer, rows, inner, folder }) };
    await this.#device.run({ inputs: { value: tensor }, steps: [], outputs: { value: allOf(parked) } });
    return parked;
  }

  /** A new tensor with its elements. */
  async recall(parked: ParkedTensor): Promise<DeviceTensor> {
    const { kept } = await this.#device.run({ inputs: { value: allOf(parked) }, steps: [], outputs: { value: 'keep' } });
    return kept['value'] as DeviceTensor;
  }
}

function allOf({ rows }: ParkedTensor): RowRange {
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
