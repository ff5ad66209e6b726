import type { Device } from '../device/Device.js';
import type { FileRange } from '../device/FileRange.js';
import type { OnnxModel } from '../device/OnnxModel.js';
import type { SegmentHandle } from '../hooks/SegmentHandle.js';

/** What a segment runs: a serialised graph, and where its weights lie. */
export interface SegmentProgram {
  readonly model: OnnxModel;
  readonly ranges: readonly FileRange[];
  /** Of the ranges, each counted once. */
  readonly bytes: number;
}

/** One segment of a component, with its session on the device while it is loaded. */
export class ComponentSegment implements SegmentHandle {
  readonly name: string;
  readonly #checkpointBytes: number;
  readonly #device: Device;
  readonly #nominal: () => SegmentProgram;
  readonly #indexOf: (segment: ComponentSegment) => number;
  #program: SegmentProgram | undefined;
  #loading: Promise<void> | undefined;
  #session: { readonly id: number; readonly generation: number } | undefined;

  /** `nominal` makes the program for a load before the first call, when sizes are not known yet; `indexOf` knows the order. */
  constructor(name: string, bytes: number, device: Device, nominal: () => SegmentProgram, indexOf: (segment: ComponentSegment) => number) {
    this.name = name;
    this.#checkpointBytes = bytes;
    this.#device = device;
    this.#nominal = nominal;
    this.#indexOf = indexOf;
  }

  get bytes(): number {
    return this.#program?.bytes ?? this.#checkpointBytes;
  }

  get index(): number {
    return this.#indexOf(this);
  }

  get loaded(): boolean {
    return this.#session !== undefined && this.#session.generation === this.#device.generation;
  }

  /** The session's number. Throws a TypeError while the segment is not loaded. */
  get session(): number {
    if (this.#session === undefined) throw new TypeError(`segment ${this.name} is not loaded`);
    return this.#session.id;
  }

  /** Sets what to run from now on; a session of another graph is freed. */
  async use(program: SegmentProgram): Promise<void> {
    const same = this.#program !== undefined && Buffer.compare(this.#program.model.bytes, program.model.bytes) === 0;
    if (same) return;
    await this.unload();
    this.#program = program;
  }

  /** Forgets what to run, because the graph is stale. */
  async forget(): Promise<void> {
    await this.unload();
    this.#program = undefined;
  }

  async load(): Promise<void> {
    if (this.loaded) return;
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  async unload(): Promise<void> {
    await this.#loading?.catch(() => undefined);
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined && session.generation === this.#device.generation) await this.#device.unload(session.id);
  }

  async prefetch(signal?: AbortSignal): Promise<void> {
    this.#program ??= this.#nominal();
    await this.#device.prefetch(this.#program.ranges, signal);
  }

  async #load(): Promise<void> {
    this.#program ??= this.#nominal();
    const id = await this.#device.load(this.#program.model);
    this.#session = { id, generation: this.#device.generation };
  }
}
