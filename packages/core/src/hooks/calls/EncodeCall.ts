import type { Tensor } from 'onnxruntime-common';
import type { RunContext } from './RunContext.js';
import type { Wrapper } from '../engine/Wrapping.js';

/** One `vae.encode({ x })`, whoever called it. */
export interface EncodeCall {
  /** The component's name in the pipeline: `vae`. */
  readonly component: string;
  /** Pixels in [-1, 1]: float32 [n, 3, height, width], of videos [n, 3, frames, height, width]. Replaceable until encoding begins. */
  x: Tensor;
  /** Mean and log-variance, side by side on the channel axis: float32 [n, 2 c, h, w], of videos [n, 2 c, frames, h, w]; of a VAE without a distribution, such as AutoencoderTiny, the latents themselves, [n, c, h, w]. Replaceable in `afterEncode`. Setting it in `beforeEncode` skips encoding. */
  moments?: Tensor | undefined;
  /** The run this is part of; absent if the user called. */
  readonly run?: RunContext | undefined;
  readonly signal?: AbortSignal | undefined;
  /** In `beforeEncode`: puts code around the encoding, the first wrapper outermost: it may split `x` and join the moments. */
  readonly wrap: (wrapper: Wrapper<Tensor, Tensor>) => void;
}
