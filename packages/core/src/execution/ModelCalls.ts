import type { CallOptions } from '../hooks/calls/CallOptions.js';
import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { ModelCall } from '../hooks/calls/ModelCall.js';
import type { NamedTensors } from '../hooks/calls/NamedTensors.js';
import { Endings } from '../hooks/engine/Endings.js';
import { Wrapping } from '../hooks/engine/Wrapping.js';
import type { Hooks } from '../hooks/manifest.js';
import type { ModelEvent } from './ComponentEvent.js';
import { entryOf } from './entryOf.js';
import { disposeHeld } from './heldTensor.js';

/** What a call computes, once the hooks before it have run. `wrapped`: a hook has put code around it. */
export type ModelComputation = (inputs: NamedTensors, wrapped: boolean) => Promise<NamedTensors>;

/** What {@link ModelCalls} works with. */
export interface ModelCallsParts {
  readonly handle: ComponentHandle;
  readonly hooks: Hooks;
  readonly notify: (event: ModelEvent) => void;
}

/** Calls of a component's entry points, each with the model hooks around it, once for a call of the user however it is cut. */
export class ModelCalls {
  readonly #parts: ModelCallsParts;

  constructor(parts: ModelCallsParts) {
    this.#parts = parts;
  }

  /** @throws ERR_ENTRY_UNKNOWN, `signal.reason`, and what hooks and `compute` throw */
  async run(
    entry: string,
    inputs: NamedTensors,
    { run, signal }: CallOptions,
    compute: ModelComputation,
  ): Promise<NamedTensors> {
    const { handle, hooks, notify } = this.#parts;
    const component = handle.name;
    signal?.throwIfAborted();
    entryOf(component, handle.model, entry);
    const wrapping = new Wrapping<NamedTensors, NamedTensors>();
    const endings = new Endings();
    const call: ModelCall = {
      component,
      handle,
      entry,
      inputs,
      run,
      signal,
      wrap: wrapping.wrap,
      onEnd: endings.onEnd,
    };
    await hooks.beforeModelCall.call(call);
    const started = performance.now();
    const inner = async (given: NamedTensors): Promise<NamedTensors> => compute(given, wrapping.used);
    call.outputs = await endings.after(async () => call.outputs ?? wrapping.run(inner, call.inputs));
    notify({ type: 'model', component, entry, milliseconds: performance.now() - started });
    try {
      await hooks.afterModelCall.call(call);
    } catch (error) {
      disposeHeld(call.outputs);
      throw error;
    }
    return call.outputs;
  }
}
