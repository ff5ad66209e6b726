import type { Tensor } from 'onnxruntime-common';
import type { RunMemory } from '../hooks/calls/RunMemory.js';
import type { Image } from '../images/Image.js';
import type { Generator } from '../random/Generator.js';

/** One text, or one per image. */
export type Prompt = string | readonly string[];

/** What a run returns: images, one float32 tensor [n, 3, height, width] in [0, 1], or the latents [n, c, h, w]. */
export type OutputType = 'image' | 'tensor' | 'latent';

/** Options of `generate` and `stream`: diffusers' keyword arguments in camelCase. Sizes are in pixels. */
export interface GenerateOptions<O extends OutputType = OutputType> {
  /** A multiple of the VAE's scale factor (8 in Stable Diffusion). Default: the UNet's `sample_size` times that factor. */
  readonly width?: number;
  readonly height?: number;
  /** Steps of the scheduler: calls of the UNet, but PNDM makes one more, and Heun two a step but the last. Default 50, or as many as own timesteps or sigmas make. */
  readonly numInferenceSteps?: number;
  /** Timesteps or noise levels in place of the scheduler's own, for schedulers that take them; falling. One of the two. */
  readonly timesteps?: readonly number[];
  readonly sigmas?: readonly number[];
  /**
   * Weight of the prompt against the negative prompt; 1 or less means one pass without guidance. Default 7.5; of videos 6. For videos also a list
   * with one for each step.
   */
  readonly guidanceScale?: number | readonly number[];
  /** Brings the guided prediction's deviation back towards the unguided one's, 0 to 1 (arXiv 2305.08891). Default 0. */
  readonly guidanceRescale?: number;
  /** What the picture should not be: one text for all, or one per prompt. Default ''. */
  readonly negativePrompt?: string | readonly string[];
  /** Default 1. */
  readonly numImagesPerPrompt?: number;
  /** DDIM's η. Default 0. */
  readonly eta?: number;
  /** An integer, or one per image; drawn at random by default. As torch's CPU generator with that seed. */
  readonly seed?: number | readonly number[];
  /**
   * Where noise is drawn from, in place of `seed`; a list has one for each image. A generator that is passed again goes on where it was.
   */
  readonly generator?: Generator | readonly Generator[];
  /** Unit noise to start from, float32 [n, c, h, w]. */
  readonly latents?: Tensor;
  /** Text embeddings in place of the prompt, float32 [prompts, tokens, width]. */
  readonly promptEmbeds?: Tensor;
  readonly negativePromptEmbeds?: Tensor;
  /** Layers of the text encoder to leave out at the end, for the prompt; the negative prompt goes through all. Default 0. */
  readonly clipSkip?: number;
  /** Frames of a video; a multiple of 4 and one more (where the VAE makes 4 frames of one). Default: what the model was trained with. */
  readonly numFrames?: number;
  /** Videos: lets the guidance swing with the timestep, as diffusers does. Default false. */
  readonly useDynamicCfg?: boolean;
  /** Tokens of a prompt that are used, where the text encoder knows no limit. Default: what the model was trained with. */
  readonly maxSequenceLength?: number;
  /** Default 'image'. */
  readonly outputType?: O;
  /**
   * Emit a small picture after every step: 'rgb', or true, by a linear map from latents to colours, which is measured on the VAE once (a decoding of
   * 4×4 latents) and then costs nothing. Default false.
   */
  readonly previews?: boolean | 'rgb';
  /** Ends the run; it rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
}

/** Milliseconds. */
export interface RunTimings {
  readonly total: number;
  readonly encodePrompt: number;
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
