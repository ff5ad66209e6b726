import type { Device } from '../device/Device.js';
import type { DeviceRows } from '../device/DeviceRows.js';
import type { DeviceTensor } from '../device/DeviceTensor.js';
import type { NamedDeviceTensors } from '../hooks/calls/SegmentCall.js';
import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import { Parking } from './Parking.js';

/**
 * The values of one call that passes segment by segment, as handles. What the call made it also frees; handles that a hook put in their
 * place belong to whoever made them. Large values that wait for a later segment wait in a file.
 */
export class Activations {
  readonly #device: Device;
  readonly #signal: AbortSignal | undefined;
  readonly #values = new Map<string, DeviceTensor>();
  readonly #owned = new Map<number, DeviceTensor>();
  readonly #parking: Parking;
  readonly #parked = new Map<string, DeviceRows>();

  /** `parkingBytes`: from which size on values wait in a file. */
  constructor(device: Device, parkingBytes: number, signal?: AbortSignal) {
    this.#device = device;
    this.#signal = signal;
    this.#parking = new Parking(device, parkingBytes, signal);
  }

  /** Throws a RangeError for a value that was not computed, or is released. */
  get(value: string): DeviceTensor {
    const tensor = this.#values.get(value);
    if (tensor === undefined) throw new RangeError(`the value "${value}" is not there`);
    return tensor;
  }

  /** Names tensors by `names`, port → value. */
  set(tensors: NamedDeviceTensors, names: Readonly<Record<string, string>>): void {
    for (const [port, value] of Object.entries(names)) {
      const tensor = tensors[port];
      if (tensor === undefined) throw new RangeError(`a hook left out the output "${port}"`);
      this.#values.set(value, tensor);
    }
  }

  /** As {@link Activations.set}, for tensors that this call made. */
  own(tensors: NamedDeviceTensors, names: Readonly<Record<string, string>>): void {
    for (const tensor of Object.values(tensors)) this.#owned.set(tensor.id, tensor);
    this.set(tensors, names);
  }

  /** Hands a value over: whoever asks for it frees it. Throws a RangeError as {@link Activations.get}. */
  take(value: string): DeviceTensor {
    const tensor = this.get(value);
    this.#owned.delete(tensor.id);
    return tensor;
  }

  /** Brings back what a segment needs, and puts the rest out of the way where it is large. */
  async need(values: readonly string[]): Promise<void> {
    for (const [value, tensor] of this.#values) {
      if (values.includes(value) || !this.#owned.has(tensor.id)) continue;
      const parked = await this.#parking.park(tensor);
      if (parked === undefined) continue;
      this.#parked.set(value, parked);
      await this.release([value]);
    }
    for (const value of values) {
      const parked = this.#parked.get(value);
      if (parked === undefined) continue;
      this.own({ [value]: await this.#parking.recall(parked) }, { [value]: value });
      this.#parked.delete(value);
      await this.#device.free([parked]);
    }
  }

  /** Copies values to this process. */
  async download(values: readonly string[]): Promise<NamedTensors> {
    await this.need(values);
    const tensors: NamedTensors = {};
    for (const value of values) tensors[value] = await this.#device.download(this.get(value), this.#signal);
    return tensors;
  }

  /** Forgets values, and frees what nothing names any more. */
  async release(values: readonly string[]): Promise<void> {
    for (const value of values) this.#values.delete(value);
    const named = new Set(Array.from(this.#values.values(), (tensor) => tensor.id));
    const unused = [...this.#owned.values()].filter((tensor) => !named.has(tensor.id));
    for (const tensor of unused) this.#owned.delete(tensor.id);
    await this.#device.free(unused);
  }

  /** Frees what is left. */
  async dispose(): Promise<void> {
    await this.#device.free([...this.#owned.values(), ...this.#parked.values()]);
    this.#parked.clear();
    this.#owned.clear();
  }
}
