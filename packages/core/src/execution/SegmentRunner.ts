import type { Tensor } from 'onnxruntime-common';
import type { Device } from '../device/Device.js';
import type { MemoryBudget } from '../device/MemoryBudget.js';
import type { StreamedWeight } from '../device/OnnxModel.js';
import type { ProgramResult } from '../device/Program.js';
import type { CallOptions } from '../hooks/calls/CallOptions.js';
import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { NamedDeviceTensors, SegmentCall } from '../hooks/calls/SegmentCall.js';
import type { Hooks } from '../hooks/manifest.js';
import { Activations } from './Activations.js';
import type { ComponentSegments } from './ComponentSegments.js';
import type { PlannedSegment } from './EntryPlan.js';
import { FirstRead } from './FirstRead.js';
import { heldOn } from './heldTensor.js';

/** What a {@link SegmentRunner} works with. */
export interface SegmentRunnerParts {
  readonly handle: ComponentHandle;
  readonly device: Device;
  readonly hooks: Hooks;
  readonly budget: MemoryBudget;
  readonly segments: ComponentSegments;
}

/** What a plan is fed, and which of its values are wanted. */
export interface RunRequest {
  readonly given: Readonly<Record<string, Tensor>>;
  /** What the piece before left on the device; the run uses it up. */
  readonly state: NamedDeviceTensors;
  /** Values to copy back. */
  readonly download: readonly string[];
  /** Values that stay on the device. */
  readonly keep: readonly string[];
}

type RunValues = Pick<ProgramResult, 'downloaded' | 'kept'>;

/** Runs planned segments in order: all in one message to the device, or one by one where a plugin has tapped the segment hooks. */
export class SegmentRunner {
  readonly #parts: SegmentRunnerParts;
  readonly #firstRead = new FirstRead();

  constructor(parts: SegmentRunnerParts) {
    this.#parts = parts;
  }

  /** @throws `signal.reason`, and what the device and hooks throw */
  async run(plan: readonly PlannedSegment[], request: RunRequest, options: CallOptions): Promise<RunValues> {
    const { beforeSegment, afterSegment } = this.#parts.hooks;
    return beforeSegment.isUsed() || afterSegment.isUsed()
      ? this.#runHooked(plan, request, options)
      : this.#runWhole(plan, request, options);
  }

  async #runWhole(
    plan: readonly PlannedSegment[],
    { given, state, download, keep }: RunRequest,
    { signal }: CallOptions,
  ): Promise<RunValues> {
    const { device, segments, budget } = this.#parts;
    const planned = plan.map(({ segment }) => segment);
    await segments.load(planned, signal);
    const steps = plan.map(({ segment, feeds, results, release }) => ({
      session: segment.session,
      feeds,
      results,
      release,
    }));
    const outputs = Object.fromEntries([
      ...download.map((value) => [value, 'download' as const] as const),
      ...keep.map((value) => [value, 'keep' as const] as const),
    ]);
    const inputs = Object.fromEntries(
      Object.entries(given).map(([name, tensor]) => [name, heldOn(device, tensor) ?? tensor]),
    );
    const program = { inputs: { ...inputs, ...state }, consumed: Object.keys(state), steps, outputs };
    const run = (): Promise<RunValues> => device.run(program, signal);
    return budget.limit === undefined ? this.#firstRead.beside(planned, run) : run();
  }

  async #runHooked(
    plan: readonly PlannedSegment[],
    { given, state, download, keep }: RunRequest,
    options: CallOptions,
  ): Promise<RunValues> {
    const { device, budget } = this.#parts;
    const values = new Activations(device, budget.parkingBytes, options.signal);
    try {
      values.own(state, identity(Object.keys(state)));
      for (const [name, tensor] of Object.entries(given)) {
        const held = heldOn(device, tensor);
        if (held !== undefined) values.set({ [name]: held }, { [name]: name });
        else values.own({ [name]: await device.upload(tensor) }, { [name]: name });
      }
      for (const [i, step] of plan.entries()) await this.#runSegment(step, plan.slice(i + 1), values, options);
      const downloaded = await values.download(download);
      await values.need(keep);
      return { downloaded, kept: Object.fromEntries(keep.map((value) => [value, values.take(value)])) };
    } finally {
      await values.dispose();
    }
  }

  async #runSegment(
    { segment, feeds, results, release }: PlannedSegment,
    rest: readonly PlannedSegment[],
    values: Activations,
    { run, signal }: CallOptions,
  ): Promise<void> {
    const { handle, hooks } = this.#parts;
    signal?.throwIfAborted();
    await values.need(Object.values(feeds));
    const inputs = Object.fromEntries(Object.entries(feeds).map(([port, value]) => [port, values.get(value)]));
    const call: SegmentCall = {
      component: handle.name,
      segment: segment.name,
      index: segment.index,
      following: rest.map((step) => step.segment),
      handle,
      inputs,
      run,
      signal,
    };
    await hooks.beforeSegment.call(call);
    if (call.outputs === undefined) {
      await segment.load(signal);
      const ahead = rest[0]?.segment.firstWeights ?? [];
      const kept = await this.#compute(segment.session, call.inputs, { ports: Object.keys(results), ahead, signal });
      values.own(kept, results);
      call.outputs = kept;
    }
    await hooks.afterSegment.call(call);
    values.set(call.outputs, results);
    await values.release(release);
  }

  async #compute(
    session: number,
    inputs: NamedDeviceTensors,
    {
      ports,
      ahead,
      signal,
    }: {
      readonly ports: readonly string[];
      readonly ahead: readonly StreamedWeight[];
      readonly signal: AbortSignal | undefined;
    },
  ): Promise<NamedDeviceTensors> {
    const step = { session, feeds: identity(Object.keys(inputs)), results: identity(ports), release: [] };
    const outputs = Object.fromEntries(ports.map((port) => [port, 'keep' as const]));
    return (await this.#parts.device.run({ inputs, steps: [step], outputs, ahead }, signal)).kept;
  }
}

function identity(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, name]));
}
