import type { Tensor } from 'onnxruntime-common';
import type { RunMemory } from '../hooks/calls/RunMemory.js';
import type { OptionsOf } from '../fields/Field.js';
import type { Image } from '../images/Image.js';
import type { OUTPUT_TYPES, runFields } from './runFields.js';

/** One text, or one per image. */
export type Prompt = string | readonly string[];

/** What a run returns: images, one float32 tensor [n, 3, height, width] in [0, 1], or the latents [n, c, h, w]. */
export type OutputType = (typeof OUTPUT_TYPES)[number];

/**
 * Options of `generate` and `stream`: diffusers' keyword arguments in camelCase. Sizes are in pixels. The types come from the tables of fields; pipelines and
 * plugins that have options of their own add theirs: `declare module '@thimble/core' { interface GenerateOptions<O> { readonly myOption?: number } }`.
 */
export interface GenerateOptions<O extends OutputType = OutputType> extends OptionsOf<typeof runFields> {
  /** Pictures, or what they are made of. Default 'image'. */
  readonly outputType?: O | undefined;
}

/** Milliseconds. */
export interface RunTimings {
  readonly total: number;
  readonly encodePrompt: number;
  /** Of reading in pictures to begin with; 0 without. */
  readonly encodeImage: number;
  readonly steps: readonly number[];
  readonly decode: number;
}

/** What `generate` returns. */
export interface GenerateResult<O extends OutputType = OutputType> {
  /** Of a video pipeline all frames, one after the other; or what `frames` holds. */
  readonly images: O extends 'image' ? Image[] : Tensor;
  /**
   * Only of a video pipeline: the frames of each video; or one float32 tensor [n, frames, height, width, 3] in [0, 1]; or the latents
   * [n, latent frames, c, h, w].
   */
  readonly frames?: O extends 'image' ? Image[][] : Tensor;
  /** The seed of each image; empty where a `generator` or `latents` and no noise were given. */
  readonly seeds: readonly number[];
  readonly timings: RunTimings;
  readonly memory: RunMemory;
}
