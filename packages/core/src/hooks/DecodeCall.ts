import type { Tensor } from 'onnxruntime-common';
import type { RunContext } from './RunContext.js';
import type { Wrapper } from './Wrapping.js';

/** One `vae.decode({ z })`, whoever called it. */
export interface DecodeCall {
  /** The component's name in the pipeline: `vae`. */
  readonly component: string;
  /** Latents, unscaled already. Replaceable until decoding begins. */
  z: Tensor;
  /** What decoding gave; replaceable in `afterDecode`. Setting it in `beforeDecode` skips decoding. */
  sample?: Tensor | undefined;
  /** The run this is part of; absent if the user called. */
  readonly run?: RunContext | undefined;
  readonly signal?: AbortSignal | undefined;
  /** In `beforeDecode`: puts code around the decoding, the first wrapper outermost: it may split `z` and join the samples. */
  readonly wrap: (wrapper: Wrapper<Tensor, Tensor>) => void;
}
