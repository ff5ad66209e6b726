import type { Tensor } from '@thimble/core';
import type { NamedTensors, SegmentCall } from '@thimble/core/plugin';
import { PartCache, type ReuseRule } from './PartCache.js';
import type { ReusePlan } from './ReusePlan.js';

/** Inputs that are others in each step. All others say what is asked for, and have to be the same. */
const OF_STEP = /^(sample|hidden_states|x|timestep|t|.*_additional_residuals?(\.\d+)?)$/;

/** What one of the calls that each step makes keeps from step to step of a run. */
export class CallCache {
  readonly #inputs: NamedTensors;
  readonly #plan: ReusePlan;
  readonly #rule: ReuseRule;
  readonly #parts: PartCache[] = [];
  /** The step that called last. */
  #step = -1;
  #steps = 0;
  #part = -1;
  #last = Infinity;

  constructor(inputs: NamedTensors, plan: ReusePlan, rule: ReuseRule) {
    this.#inputs = inputs;
    this.#plan = plan;
    this.#rule = rule;
  }

  /** Whether a call of a later step asks for the same: for inputs of the same sizes, and for the same texts. */
  matches(inputs: NamedTensors, step: number): boolean {
    const names = Object.keys(inputs);
    return (
      step > this.#step &&
      names.length === Object.keys(this.#inputs).length &&
      names.every((name) => isAlike(name, inputs[name] as Tensor, this.#inputs[name]))
    );
  }

  /** A call for a step of `steps` begins. */
  begin(step: number, steps: number): void {
    this.#step = step;
    this.#steps = steps;
    this.#part = -1;
    this.#last = Infinity;
  }

  async beforeSegment(call: SegmentCall): Promise<void> {
    // Under a memory limit a batch runs in parts, one after the other: segments begin from the first one again.
    if (call.index <= this.#last) this.#nextPart();
    this.#last = call.index;
    await this.#parts[this.#part]?.beforeSegment(call);
  }

  async afterSegment(call: SegmentCall): Promise<void> {
    const part = this.#parts[this.#part];
    if (part?.skips(call) === false) await part.afterSegment(call);
  }

  /** The call is over, or has failed. */
  async end(): Promise<void> {
    for (const part of this.#parts) await part.end();
  }

  #nextPart(): void {
    this.#part++;
    this.#parts[this.#part] ??= new PartCache(this.#plan, this.#rule);
    this.#parts[this.#part]?.begin(this.#step, this.#steps);
  }
}

function isAlike(name: string, a: Tensor, b: Tensor | undefined): boolean {
  if (a === b) return true;
  if (b === undefined || a.dims.join() !== b.dims.join()) return false;
  // Whole timesteps are int64, others float32.
  return OF_STEP.test(name) || (a.type === b.type && Buffer.compare(bytesOf(a), bytesOf(b)) === 0);
}

function bytesOf({ data }: Tensor): Uint8Array {
  const { buffer, byteOffset, byteLength } = data as Float32Array;
  return new Uint8Array(buffer, byteOffset, byteLength);
}
