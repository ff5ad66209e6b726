import type { Tensor } from 'onnxruntime-common';
import type { RunContext } from './RunContext.js';
import type { SampleRows } from './SampleRows.js';
import type { Wrapper } from '../engine/Wrapping.js';

/** One `vae.decode({ z })`, whoever called it. */
export interface DecodeCall {
  /** The component's name in the pipeline: `vae`. */
  readonly component: string;
  /** Latents, unscaled already: float32 [n, c, h, w]; of videos [n, c, frames, h, w]. `n` is prompts × pictures of each. Replaceable until decoding begins; never written to. */
  z: Tensor;
  /** What decoding gave: float32 [n, 3, height, width], of videos [n, 3, frames, height, width]; values about -1 (black) to 1 (white). Replaceable in `afterDecode`, with all `n`. Setting it in `beforeDecode` skips decoding. */
  sample?: Tensor | undefined;
  /** The run this is part of; absent if the user called. */
  readonly run?: RunContext | undefined;
  readonly signal?: AbortSignal | undefined;
  /** In `beforeDecode`: puts code around the decoding, the first wrapper outermost: it may split `z` and join the samples. */
  readonly wrap: (wrapper: Wrapper<Tensor, Tensor>) => void;
  /**
   * As {@link DecodeCall.wrap}, in the same order with it, for wrappers that give the pictures row by row or one by one: where nobody asks for
   * the whole sample, such as a pipeline that makes images of it, it never exists.
   */
  readonly wrapRows: (wrapper: Wrapper<Tensor, AsyncIterable<SampleRows>>) => void;
}
