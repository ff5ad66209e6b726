import type { ComponentHandle } from './ComponentHandle.js';
import type { NamedTensors } from './NamedTensors.js';
import type { RunContext } from './RunContext.js';
import type { Wrapper } from '../engine/Wrapping.js';

/** One call of one component's entry point. */
export interface ModelCall {
  /** The component's name in the pipeline: `unet`. */
  readonly component: string;
  /** The component itself; what it computes is its `model`. */
  readonly handle: ComponentHandle;
  /** The entry point, one of the model's: `call`, or `encode` and `decode` of a VAE. */
  readonly entry: string;
  /** Replaceable, also one by one, until the call begins. */
  inputs: NamedTensors;
  /** What the call returned; replaceable in `afterModelCall`. Setting it in `beforeModelCall` skips the call. */
  outputs?: NamedTensors | undefined;
  /** The run this call is part of; absent if the user called the component. */
  readonly run?: RunContext | undefined;
  readonly signal?: AbortSignal | undefined;
  /** In `beforeModelCall`: puts code around the call, the first wrapper outermost. */
  readonly wrap: (wrapper: Wrapper<NamedTensors, NamedTensors>) => void;
}
