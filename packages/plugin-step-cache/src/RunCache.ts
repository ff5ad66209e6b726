import type { ComponentHandle, NamedTensors } from '@thimble/core/plugin';
import { CallCache } from './CallCache.js';
import type { ReuseRule } from './PartCache.js';
import type { ReusePlan } from './ReusePlan.js';

/** A denoiser, with what is passed over in it and when. */
export interface Reuse {
  readonly plan: ReusePlan;
  readonly rule: ReuseRule;
}

/** What is known of one run. It lives and ends with the run, so that two runs, or two pipelines, never meet. */
export class RunCache {
  readonly #calls = new Map<string, CallCache[]>();
  readonly #running = new Map<string, CallCache>();
  readonly #steps: number;
  /** The step that is computed; `undefined` before the first. */
  step: number | undefined;

  /** `steps`: how many the run has. */
  constructor(steps: number) {
    this.#steps = steps;
  }

  /** The call of a component that is being computed. */
  running(component: string): CallCache | undefined {
    return this.#running.get(component);
  }

  /** A call begins; with what a step before it kept where that asked for the same. `undefined` outside of steps. */
  begin({ name }: ComponentHandle, inputs: NamedTensors, { plan, rule }: Reuse): CallCache | undefined {
    const { step } = this;
    if (step === undefined) return undefined;
    const calls = this.#calls.get(name) ?? [];
    this.#calls.set(name, calls);
    let found = calls.find((call) => call.matches(inputs, step));
    if (found === undefined) calls.push((found = new CallCache(inputs, plan, rule)));
    found.begin(step, this.#steps);
    this.#running.set(name, found);
    return found;
  }

  /** The call that is being computed is over. */
  async end(component: string): Promise<void> {
    const call = this.#running.get(component);
    this.#running.delete(component);
    await call?.end();
  }
}
