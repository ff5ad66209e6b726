import { ThimbleError } from '../errors.js';
import type { Device } from './Device.js';

/** A device that is made when it is first asked for: once, however many ask at the same time. One that cannot be made is tried again. */
export class DeviceOpening implements AsyncDisposable {
  readonly #make: () => Promise<Device>;
  #opening: Promise<Device> | undefined;
  #device: Device | undefined;
  #disposed = false;

  /** @param make makes the device */
  constructor(make: () => Promise<Device>) {
    this.#make = make;
  }

  /** The device, if it is made. */
  get device(): Device | undefined {
    return this.#device;
  }

  /** @throws ERR_DISPOSED; what making it throws */
  async open(): Promise<Device> {
    if (this.#disposed) throw new ThimbleError('ERR_DISPOSED', { object: 'the pipeline' });
    this.#opening ??= this.#start();
    return this.#opening;
  }

  /** Ends the device, also one that is being made. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    const device = await this.#opening?.catch(() => undefined);
    await device?.dispose();
  }

  async #start(): Promise<Device> {
    try {
      this.#device = await this.#make();
      return this.#device;
    } catch (error) {
      this.#opening = undefined;
      throw error;
    }
  }
}
