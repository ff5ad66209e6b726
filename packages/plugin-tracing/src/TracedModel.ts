import { rmSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type CallOptions, type Component, type Tensor } from '@thimble/core';
import { type InputShapes } from '@thimble/core/model';
import { checkPath, type Attachable, type NamedTensors, type CompiledSegment } from '@thimble/core/plugin';
import { copyTrace } from './copyTrace.js';
import { fingerprintCheckpoint } from './fingerprintCheckpoint.js';
import { fingerprintLayers } from './fingerprintLayers.js';
import { readSegmentTrace } from './SegmentTrace.js';
import { checkSame, mismatch, readManifest, type TraceManifest } from './TraceManifest.js';
import { TraceError } from './TraceError.js';

/**
 * A component traced at fixed sizes: graphs that were optimised once and are loaded as they are. It takes the component's place in a pipeline, and runs
 * for the sizes it was traced at and no others:
 *
 * ```ts
 * const traced = await TracedModel.load('unet_traced');
 * pipe.unet = traced;
 * ```
 *
 * It reads the weights that it was made of: where a plugin has put others in their place, it refuses to run (ERR_TRACE_MISMATCH).
 *
 * Mirrors what `torch.jit.trace` gives.
 */
export class TracedModel implements Attachable, AsyncDisposable {
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
    checkPath('dir', dir, "the path of a trace's folder");
    const manifest = await readManifest(resolve(dir));
    return new TracedModel(await realpath(dir), manifest, temporary);
  }

  /** Writes the trace to a folder: a new or empty one, or one that holds a trace, which is replaced. @throws ERR_ARGUMENT_INVALID for another one */
  async save(dir: string): Promise<void> {
    await copyTrace(this.#folder, dir);
  }

  /** Makes a component of the trace that stands in for `component`, on its device and with its hooks. What `pipe.replace('unet', traced)`, and assigning to `pipe.unet` or `pipe.components.unet`, do. @throws ERR_TRACE_MISMATCH for a component of another class */
  attachTo(component: Component): Component {
    const { entry, inputs, className } = this.#manifest;
    checkSame(this.#folder, 'model class', className, component.model.className);
    this.#attached = component.frozen({
      entry,
      inputs,
      mismatch: (traced, now) => mismatch(this.#folder, 'entry point and sizes', traced, now),
      programs: async () => this.#programs(component),
    });
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

  /** The component that it has become part of. @throws ERR_TRACE_DETACHED while it is in no pipeline */
  get component(): Component {
    if (this.#attached !== undefined) return this.#attached;
    throw new TraceError('ERR_TRACE_DETACHED', { trace: this.#folder, component: this.#manifest.component });
  }

  /** Runs it. @throws ERR_TRACE_MISMATCH for another checkpoint or other sizes; ERR_TRACE_DETACHED while it is in no pipeline; and what a component throws */
  async call(inputs: Readonly<Record<string, Tensor>>, options?: CallOptions): Promise<NamedTensors> {
    return this.component.call(inputs, options);
  }

  /** Unloads it, and deletes a trace that was never given a folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#attached?.unload();
    if (this.#temporary === undefined) return;
    process.off('exit', this.#temporary);
    this.#temporary();
  }

  /** A trace reads the weights that it was made of, whatever plugins have put in their place. */
  #checkLayers(component: Component): void {
    const { weights, checkpoint, name } = component;
    const own = new Set(checkpoint.files);
    for (const key of weights.keys()) {
      const view = weights.find(key);
      const file = [view?.file, view?.scale?.file].find((each) => each !== undefined && !own.has(each));
      if (file !== undefined)
        throw this.#otherWeights('those of the checkpoint', `"${key}" from "${file}", which a plugin made`, name);
    }
    const now = fingerprintLayers(component);
    const { layers } = this.#manifest;
    if (layers !== now) throw this.#otherWeights(`laid out as ${layers}`, now, name);
  }

  #otherWeights(traced: string, now: string, component: string): Error {
    const remedy = `Remove the plugin that changes the weights of ${component}, or put the component itself back and use TracingPlugin, which traces what plugins made.`;
    return mismatch(this.#folder, 'set of weights', traced, now, remedy);
  }

  async #programs(component: Component): Promise<ReadonlyMap<string, CompiledSegment>> {
    const { checkpoint, segments } = this.#manifest;
    this.#checkLayers(component);
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
