import { type Plugin, ThimbleError } from '@thimble/core';
import {
  type Device,
  type DeviceTensor,
  type PluginContext,
  type RunContext,
  type SegmentCall,
} from '@thimble/core/plugin';
import { planReuse, type ReusePlan } from './planReuse.js';

/** Options of a {@link StepCachePlugin}. */
export interface StepCacheOptions {
  /** Every how many steps the whole UNet is computed; 1 computes it always. Default 3. */
  readonly interval?: number;
  /** How many layers at the end of the UNet are computed in every step: the more, the closer and the slower. Default 1. */
  readonly depth?: number;
}

/** What the last full step left of one part of the batch. */
interface Cached {
  readonly device: Device;
  /** The device's when it was made: what a device held before it crashed is gone. */
  readonly generation: number;
  readonly tensor: DeviceTensor;
}

/** What is known of one run. It lives and ends with the run, so that two runs, or two pipelines, never meet. */
class RunCache {
  readonly #cached = new Map<number, Cached>();
  readonly #ports = new Map<string, readonly string[]>();
  readonly plan: ReusePlan;
  /** Whether this step computes everything. */
  full = true;
  /** Under a memory limit a batch runs in parts, one after the other. */
  part = -1;

  constructor(plan: ReusePlan) {
    this.plan = plan;
  }

  /** Whether every part can go on from what is here. */
  get usable(): boolean {
    return (
      this.#cached.size > 0 &&
      [...this.#cached.values()].every(({ device, generation }) => device.generation === generation)
    );
  }

  /** Copies what the bridge gave: the original goes when the call ends. */
  async keep({ handle: { device }, outputs = {} }: SegmentCall): Promise<void> {
    const [output] = Object.values(outputs);
    if (output === undefined) return;
    const { part } = this;
    const tensor = await device.upload(await device.download(output));
    await this.#drop(part);
    this.#cached.set(part, { device, generation: device.generation, tensor });
  }

  notePorts({ segment, outputs = {} }: SegmentCall): void {
    this.#ports.set(segment, Object.keys(outputs));
  }

  /** Stands in for a segment that is passed over. Only the bridge's output is looked at, so one tensor does for all. */
  outputsOf({ segment }: SegmentCall): Record<string, DeviceTensor> | undefined {
    const cached = this.#cached.get(this.part);
    const ports = this.#ports.get(segment);
    return cached && ports && Object.fromEntries(ports.map((port) => [port, cached.tensor]));
  }

  async clear(): Promise<void> {
    for (const part of [...this.#cached.keys()]) await this.#drop(part);
  }

  async #drop(part: number): Promise<void> {
    const cached = this.#cached.get(part);
    this.#cached.delete(part);
    if (cached?.device.generation === cached?.generation) await cached?.device.free([cached.tensor]);
  }
}

/**
 * Reuses what the deep part of the UNet computed a step or two before, because it changes little from one step to the next; only the shallow layers at both
 * ends are computed anew (DeepCache, arXiv 2312.00858).
 */
export class StepCachePlugin implements Plugin {
  readonly name = 'example:step-cache';
  readonly engines = { thimble: '^0.2.0' };
  readonly multiple = true;
  readonly #interval: number;
  readonly #depth: number;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for an option that is no whole number from 1 */
  constructor({ interval = 3, depth = 1 }: StepCacheOptions = {}) {
    this.#interval = wholeNumber('interval', interval);
    this.#depth = wholeNumber('depth', depth);
  }

  apply({ hooks, pipeline }: PluginContext): void {
    const key = Symbol(this.name);
    const cacheOf = ({
      component,
      run,
    }: {
      readonly component?: string;
      readonly run?: RunContext | undefined;
    }): RunCache | undefined => (component === 'unet' ? (run?.state.get(key) as RunCache | undefined) : undefined);

    hooks.beforeRun.tap(this.name, ({ state }) => {
      const { unet } = pipeline.components;
      if (unet !== undefined) state.set(key, new RunCache(planReuse(unet, this.#depth)));
    });
    hooks.beforeStep.tap(this.name, ({ index, run }) => {
      const cache = run.state.get(key) as RunCache | undefined;
      if (cache !== undefined) cache.full = index % this.#interval === 0 || !cache.usable;
    });
    hooks.beforeModelCall.tap(this.name, (call) => {
      const cache = cacheOf(call);
      if (cache !== undefined) cache.part = -1;
    });
    hooks.beforeSegment.tap(this.name, (call) => {
      const cache = cacheOf(call);
      if (cache === undefined) return;
      if (call.index === 0) cache.part++;
      if (!cache.full && cache.plan.skipped.has(call.segment)) call.outputs ??= cache.outputsOf(call);
    });
    hooks.afterSegment.tap(this.name, async (call) => {
      const cache = cacheOf(call);
      if (!cache?.full) return;
      cache.notePorts(call);
      if (call.segment === cache.plan.bridge) await cache.keep(call);
    });
    // Called after failed and aborted runs too: nothing stays on the device.
    hooks.afterRun.tap(this.name, async (run) => cacheOf({ component: 'unet', run })?.clear());
  }
}

function wholeNumber(argument: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected: 'a whole number from 1' });
}
