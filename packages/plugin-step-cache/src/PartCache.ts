import type { Device, DeviceTensor, NamedDeviceTensors, SegmentCall } from '@thimble/core/plugin';
import { downloadFloats, uploadFloats } from './deviceFloats.js';
import { KeptValues } from './KeptValues.js';
import type { ReusePlan } from './ReusePlan.js';
import { relativeChange } from './relativeChange.js';
import { behindZeros, lastTokens, tokenStreams } from './tokenStreams.js';

/** When steps are passed over. */
export interface ReuseRule {
  /** Every how many steps everything is computed at the least, counted from the last step; and in the first. Infinity: that is no reason to. */
  readonly interval: number;
  /** How far the first blocks of a transformer may have changed what they change, since everything was computed. */
  readonly threshold: number;
  /** See {@link KeptValues}. */
  readonly order: number;
}

/** What one part of a call's batch keeps from step to step of a run. All of it lies in this process: the device may go and come back between two steps. */
export class PartCache {
  readonly #plan: ReusePlan;
  readonly #rule: ReuseRule;
  readonly #kept: KeptValues;
  /** Names of what a segment gives. */
  readonly #ports = new Map<string, readonly string[]>();
  /** Of the bridge, by stream. */
  #bridge: readonly (readonly [port: string, like: DeviceTensor])[] = [];
  /** What the head changed when everything was computed. */
  #headChange: readonly Float32Array[] | undefined;
  #headInputs: readonly Float32Array[] = [];
  #headOutputs: readonly Float32Array[] = [];
  #headTokens: readonly number[] = [];
  #step = 0;
  #reuses = false;
  #standIns: readonly DeviceTensor[] = [];
  #device: Device | undefined;

  constructor(plan: ReusePlan, rule: ReuseRule) {
    this.#plan = plan;
    this.#rule = rule;
    this.#kept = new KeptValues(rule.order);
  }

  /** The part is about to be computed for a step of `steps`. */
  begin(step: number, steps: number): void {
    this.#step = step;
    const { interval } = this.#rule;
    const { lastStep } = this.#kept;
    const isDue = Number.isFinite(interval) && (steps - 1 - step) % interval === 0;
    // A transformer's head has the last word.
    this.#reuses = lastStep !== undefined && !isDue && step - lastStep < interval;
  }

  /** Whether a segment is passed over. */
  skips({ segment }: SegmentCall): boolean {
    return this.#reuses && this.#plan.skipped.has(segment);
  }

  async beforeSegment(call: SegmentCall): Promise<void> {
    if (call.segment === this.#plan.head?.first && Number.isFinite(this.#rule.threshold))
      this.#headInputs = await this.#download(call, call.inputs);
    if (!this.skips(call)) return;
    if (this.#standIns.length === 0) await this.#makeStandIns(call);
    call.outputs ??= this.#outputsOf(call.segment);
  }

  /** Of a segment that was computed. */
  async afterSegment(call: SegmentCall): Promise<void> {
    const { segment, outputs = {} } = call;
    if (segment === this.#plan.head?.last) await this.#compare(call, outputs);
    if (this.#reuses || !this.#plan.skipped.has(segment)) return;
    this.#ports.set(segment, Object.keys(outputs));
    if (segment === this.#plan.bridge) await this.#keep(call, outputs);
  }

  /** The part is computed: frees what stood in for segments. */
  async end(): Promise<void> {
    const standIns = this.#standIns;
    this.#standIns = [];
    this.#headInputs = [];
    this.#headOutputs = [];
    await this.#device?.free(standIns);
  }

  /** Decides, by what the head changed, whether the rest is passed over. */
  async #compare(call: SegmentCall, outputs: NamedDeviceTensors): Promise<void> {
    this.#headOutputs = await this.#download(call, outputs);
    this.#headTokens = tokenStreams(outputs).map(([, { dims }]) => dims[1] as number);
    if (!Number.isFinite(this.#rule.threshold)) return;
    const change = this.#headOutputs.map((after, i) => difference(after, this.#headInputs[i] as Float32Array));
    if (this.#reuses)
      this.#reuses = this.#headChange !== undefined && relativeChange(change, this.#headChange) <= this.#rule.threshold;
    if (!this.#reuses) this.#headChange = change;
  }

  async #keep(call: SegmentCall, outputs: NamedDeviceTensors): Promise<void> {
    this.#bridge = tokenStreams(outputs);
    const values = await this.#download(call, outputs);
    this.#kept.keep(
      this.#step,
      this.#plan.head === undefined
        ? values
        : values.map((stream, i) => {
            const { dims } = (this.#bridge[i] as readonly [string, DeviceTensor])[1];
            const tokens = lastTokens(stream, dims, this.#headTokens[i] as number);
            return difference(tokens, this.#headOutputs[i] as Float32Array);
          }),
    );
  }

  async #makeStandIns({ handle: { device } }: SegmentCall): Promise<void> {
    this.#device = device;
    const values = this.#kept.at(this.#step);
    const made: DeviceTensor[] = [];
    this.#standIns = made;
    for (const [i, [, like]] of this.#bridge.entries()) {
      const value = values[i] as Float32Array;
      const whole =
        this.#plan.head === undefined
          ? value
          : behindZeros(sum(value, this.#headOutputs[i] as Float32Array), like.dims, this.#headTokens[i] as number);
      made.push(await uploadFloats(device, whole, like));
    }
  }

  /** Only the bridge's outputs are looked at, so one tensor does for all others. */
  #outputsOf(segment: string): NamedDeviceTensors {
    const streams = new Map(this.#bridge.map(([port], i) => [port, this.#standIns[i] as DeviceTensor]));
    const [any] = this.#standIns as readonly [DeviceTensor];
    return Object.fromEntries((this.#ports.get(segment) ?? []).map((port) => [port, streams.get(port) ?? any]));
  }

  async #download({ handle: { device }, signal }: SegmentCall, tensors: NamedDeviceTensors): Promise<Float32Array[]> {
    const values: Float32Array[] = [];
    for (const [, tensor] of tokenStreams(tensors)) values.push(await downloadFloats(device, tensor, signal));
    return values;
  }
}

function difference(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => value - (b[i] as number));
}

function sum(a: Float32Array, b: Float32Array): Float32Array {
  return a.map((value, i) => value + (b[i] as number));
}
