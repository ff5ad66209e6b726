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
  /**
   * By the names of the model's `entries`, which say types and dims: a UNet's `sample` is float32 [n, c, h, w], scaled by the scheduler, `timestep` int64 or float32 [1] or [n], and
   * `encoder_hidden_states` float32 [n, tokens, width]. With guidance `n` is twice the pictures, or there are two calls. Replaceable, also one by one, until the call begins; tensors are
   * never written to.
   */
  inputs: NamedTensors;
  /** What the call returned, by name: a UNet's `sample` is the prediction, float32 of the shape of the input. Replaceable in `afterModelCall`. Setting it in `beforeModelCall` skips the call. */
  outputs?: NamedTensors | undefined;
  /** The run this call is part of; absent if the user called the component. */
  readonly run?: RunContext | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * In `beforeModelCall`: puts code around the call, the first wrapper outermost. It sees whole outputs: a VAE's pictures all at once, where they would have come in rows. What only
   * has to be done at the end is {@link ModelCall.onEnd}.
   */
  readonly wrap: (wrapper: Wrapper<NamedTensors, NamedTensors>) => void;
  /** In `beforeModelCall`: what is done once the call has ended, whatever ended it, and before `afterModelCall`: the first one given last, each waited for. */
  readonly onEnd: (done: () => void | Promise<void>) => void;
}
