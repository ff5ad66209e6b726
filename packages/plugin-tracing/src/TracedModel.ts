import { rmSync } from 'node:fs';
import { cp, readdir, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type CallOptions, type Component, type Tensor, ThimbleError } from '@thimble/core';
import { type InputShapes } from '@thimble/core/model';
import { type Attachable, type NamedTensors, type CompiledSegment } from '@thimble/core/plugin';
import { fingerprintCheckpoint } from './fingerprintCheckpoint.js';
import { readSegmentTrace } from './SegmentTrace.js';
import { checkSame, mismatch, readManifest, type TraceManifest } from './TraceManifest.js';
import { TraceError } from './TraceError.js';

type Frozen = Parameters<Component['frozen']>[0];

/**
 * A component traced at fixed sizes: graphs that were optimised once and are loaded as they are. It takes the component's place in a pipeline, and runs
 * for the sizes it was traced at and no others:
 *
 * ```ts
 * const traced = await TracedModel.load('unet_traced');
 * pipe.components.unet = traced;
 * ```
 *
 * Mirrors what `torch.jit.trace` gives.
 */
export class TracedModel implements Component, Attachable, AsyncDisposable {
  readonly #folder: string;
  readonly #manifest: TraceManifest;
  readonly #temporary: (() => void) | undefined;
  #attached: Component | undefined;

  private constructor(folder: string, manifest: TraceManifest, temporary: boolean) {
    this.#folder = folder;
    this.#manifest = manifest;
    if (!temporary) return;
    this.#temporary = () => rmSync(folder, { recursive: true, force: true });
    process.once('exit', this.#temporary);
  }

  /**
   * Opens a trace that {@link TracedModel.save} wrote. Whether it belongs to the checkpoint shows at the first call.
   *
   * @throws ERR_TRACE_INVALID for a folder without a whole trace; ERR_TRACE_MISMATCH for one that another version of the runtime or another kind of processor made
   */
  static async load(dir: string): Promise<TracedModel> {
    return TracedModel.open(dir, false);
  }

  /** @internal A `temporary` one is deleted when it is disposed, or else when the program ends. */
  static async open(dir: string, temporary: boolean): Promise<TracedModel> {
    const manifest = await readManifest(resolve(dir));
    return new TracedModel(await realpath(dir), manifest, temporary);
  }

  /** Writes the trace to a folder: a new or empty one, or one that holds a trace, which is replaced. @throws ERR_ARGUMENT_INVALID for another one */
  async save(dir: string): Promise<void> {
    const target = resolve(dir);
    const present = await readdir(target).catch((): string[] => []);
    if (present.length > 0 && !present.includes('trace.json'))
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'dir',
        value: dir,
        expected: 'a folder that is new or empty, or holds a trace',
      });
    if (target === this.#folder) return;
    const written = `${target}.${process.pid}.tmp`;
    try {
      await cp(this.#folder, written, { recursive: true });
      await rm(target, { recursive: true, force: true });
      await rename(written, target);
    } catch (error) {
      await rm(written, { recursive: true, force: true });
      throw error;
    }
  }

  /** Makes a component of the trace that stands in for `component`, on its device and with its hooks. What assigning to `pipe.components` does. */
  attachTo(component: Component): Component {
    checkSame(this.#folder, 'model class', this.#manifest.className, component.model.className);
    const { entry, inputs } = this.#manifest;
    const frozen: Frozen = {
      entry,
      inputs,
      mismatch: (traced, now) => mismatch(this.#folder, 'entry point and sizes', traced, now),
      programs: async () => this.#programs(component),
    };
    this.#attached = component.frozen(frozen);
    return this.#attached;
  }

  /** Sizes that it runs for. */
  get inputs(): InputShapes {
    return this.#manifest.inputs;
  }

  /** Entry point that it runs. */
  get entry(): string {
    return this.#manifest.entry;
  }

  get name(): string {
    return this.#attached?.name ?? this.#manifest.component;
  }

  get model(): Component['model'] {
    return this.#component.model;
  }

  get checkpoint(): Component['checkpoint'] {
    return this.#component.checkpoint;
  }

  get device(): Component['device'] {
    return this.#component.device;
  }

  get segments(): Component['segments'] {
    return this.#component.segments;
  }

  get config(): Component['config'] {
    return this.#component.config;
  }

  get weights(): Component['weights'] {
    return this.#component.weights;
  }

  get hooks(): Component['hooks'] {
    return this.#component.hooks;
  }

  get loaded(): boolean {
    return this.#attached?.loaded ?? false;
  }

  get residentBytes(): number {
    return this.#attached?.residentBytes ?? 0;
  }

  async load(signal?: AbortSignal): Promise<void> {
    await this.#component.load(signal);
  }

  async unload(): Promise<void> {
    await this.#attached?.unload();
  }

  /** @throws ERR_TRACE_MISMATCH for another checkpoint or other sizes; ERR_TRACE_DETACHED while it is in no pipeline; and what a component throws */
  async call(inputs: Readonly<Record<string, Tensor>>, options?: CallOptions): Promise<NamedTensors> {
    return this.#component.call(inputs, options);
  }

  async decode(inputs: { readonly z: Tensor }, options?: CallOptions): Promise<{ sample: Tensor }> {
    return this.#component.decode(inputs, options);
  }

  decodeRows(...given: Parameters<Component['decodeRows']>): ReturnType<Component['decodeRows']> {
    return this.#component.decodeRows(...given);
  }

  async encode(inputs: { readonly x: Tensor }, options?: CallOptions): Promise<{ moments: Tensor }> {
    return this.#component.encode(inputs, options);
  }

  async invoke(entry: string, inputs: Readonly<Record<string, Tensor>>, options?: CallOptions): Promise<NamedTensors> {
    return this.#component.invoke(entry, inputs, options);
  }

  layout(weight: string): ReturnType<Component['layout']> {
    return this.#component.layout(weight);
  }

  graph(...given: Parameters<Component['graph']>): ReturnType<Component['graph']> {
    return this.#component.graph(...given);
  }

  lower(...given: Parameters<Component['lower']>): ReturnType<Component['lower']> {
    return this.#component.lower(...given);
  }

  freeze(entry: string, inputs: Readonly<Record<string, Tensor>>): ReturnType<Component['freeze']> {
    return this.#component.freeze(entry, inputs);
  }

  frozen(frozen: Frozen): ReturnType<Component['frozen']> {
    return this.#component.frozen(frozen);
  }

  /** Unloads it, and deletes a trace that was never given a folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.unload();
    if (this.#temporary === undefined) return;
    process.off('exit', this.#temporary);
    this.#temporary();
  }

  get #component(): Component {
    if (this.#attached !== undefined) return this.#attached;
    throw new TraceError('ERR_TRACE_DETACHED', { trace: this.#folder, component: this.#manifest.component });
  }

  async #programs(component: Component): Promise<ReadonlyMap<string, CompiledSegment>> {
    const { checkpoint, segments } = this.#manifest;
    checkSame(this.#folder, 'checkpoint', checkpoint, await fingerprintCheckpoint(component.checkpoint));
    // The component that it stands in for runs no more.
    await component.unload();
    const homes = new Set(component.checkpoint.files.map((file) => dirname(file)));
    const programs = new Map<string, CompiledSegment>();
    for (const name of segments)
      programs.set(name, await readSegmentTrace(join(this.#folder, name), name, (recorded) => [...homes, recorded]));
    return programs;
  }
}
