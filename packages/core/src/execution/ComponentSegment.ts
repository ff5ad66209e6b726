import type { Device } from '../device/Device.js';
import type { StreamedWeight } from '../device/OnnxModel.js';
import type { SegmentHandle } from '../hooks/calls/SegmentHandle.js';
import { type CompiledSegment, sameProgram } from './compileSegment.js';

/** Where what a segment runs comes from. */
export interface SegmentSource {
  /** The program for a load before the first call, when sizes are not known yet. */
  nominal(signal?: AbortSignal): Promise<CompiledSegment>;
  /** What is loaded in place of a program. */
  prepare(program: CompiledSegment, signal?: AbortSignal): Promise<CompiledSegment>;
}

/** One segment of a component, with its session on the device while it is loaded. */
export class ComponentSegment implements SegmentHandle {
  readonly name: string;
  readonly #checkpointBytes: number;
  readonly #device: Device;
  readonly #source: SegmentSource;
  readonly #indexOf: (segment: ComponentSegment) => number;
  #program: CompiledSegment | undefined;
  #prepared: Promise<CompiledSegment> | undefined;
  /** What is or was loaded last, of the program of now. */
  #ready: CompiledSegment | undefined;
  #loading: Promise<void> | undefined;
  #session: { readonly id: number; readonly generation: number } | undefined;

  /** `indexOf` knows the order. */
  constructor(
    name: string,
    bytes: number,
    device: Device,
    source: SegmentSource,
    indexOf: (segment: ComponentSegment) => number,
  ) {
    this.name = name;
    this.#checkpointBytes = bytes;
    this.#device = device;
    this.#source = source;
    this.#indexOf = indexOf;
  }

  get bytes(): number {
    const program = this.#ready ?? this.#program;
    return program === undefined
      ? this.#checkpointBytes
      : program.ranges.reduce((sum, { byteLength }) => sum + byteLength, 0);
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

  /** The weights that are read first when it runs; none where they are mapped. */
  get firstWeights(): readonly StreamedWeight[] {
    return (this.#ready ?? this.#program)?.model.parts?.[0]?.weights ?? [];
  }

  /** Sets what to run from now on; a session of another graph is freed. */
  async use(program: CompiledSegment): Promise<void> {
    if (this.#program !== undefined && sameProgram(this.#program, program)) return;
    await this.forget();
    this.#program = program;
  }

  /** Forgets what to run, because the graph is stale. */
  async forget(): Promise<void> {
    await this.unload();
    this.#program = undefined;
    this.#prepared = undefined;
    this.#ready = undefined;
  }

  async load(signal?: AbortSignal): Promise<void> {
    while (!this.loaded) {
      signal?.throwIfAborted();
      const others = this.#loading;
      // What somebody else began may be aborted by them.
      if (others === undefined) await this.#begin(signal);
      else await others.catch(() => undefined);
    }
  }

  async unload(): Promise<void> {
    await this.#loading?.catch(() => undefined);
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined && session.generation === this.#device.generation) await this.#device.unload(session.id);
  }

  async prefetch(signal?: AbortSignal): Promise<void> {
    await this.#device.prefetch((await this.#prepare(signal)).ranges, signal);
  }

  async #begin(signal: AbortSignal | undefined): Promise<void> {
    this.#loading = this.#load(signal).finally(() => {
      this.#loading = undefined;
    });
    await this.#loading;
  }

  async #load(signal: AbortSignal | undefined): Promise<void> {
    const { model } = await this.#prepare(signal);
    const id = await this.#device.load(model, signal);
    this.#session = { id, generation: this.#device.generation };
  }

  /** Once for a program: what failed is tried again. */
  async #prepare(signal: AbortSignal | undefined): Promise<CompiledSegment> {
    this.#program ??= await this.#source.nominal(signal);
    this.#prepared ??= this.#source.prepare(this.#program, signal);
    const prepared = this.#prepared;
    try {
      const ready = await prepared;
      if (this.#prepared === prepared) this.#ready = ready;
      return ready;
    } catch (error) {
      if (this.#prepared === prepared) this.#prepared = undefined;
      throw error;
    }
  }
}
