import { Module } from '../../graph/Module.js';
import { add, scale } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';
import { timestepFrequencies, TimestepEmbedding } from './TimestepEmbedding.js';

const FREQUENCIES = { channels: 256, flipSinToCos: true, frequencyShift: 0 } as const;

/** Two linear layers around SiLU, of a pooled text embedding. */
class PixArtAlphaTextProjection extends TimestepEmbedding {}

/** What the embeddings are built from. */
export interface CombinedEmbeddingOptions {
  readonly width: number;
  /** Of the pooled text embedding. */
  readonly pooledWidth: number;
  /** Whether the guidance scale is a condition. */
  readonly guidance: boolean;
}

/** The conditions of a call. */
export interface CombinedConditions {
  /** 0 to 1000, [n or 1]. */
  readonly timestep: Value;
  /** [n, pooledWidth]. */
  readonly pooled: Value;
  /** The scale itself, [n or 1]. */
  readonly guidance: Value | undefined;
}

/** The sum of the embeddings of timestep, guidance scale and pooled text (source: diffusers models/embeddings.py, also `CombinedTimestepGuidanceTextProjEmbeddings`). */
export class CombinedTimestepTextProjEmbeddings extends Module {
  readonly timestep_embedder: TimestepEmbedding;
  readonly guidance_embedder: TimestepEmbedding | undefined;
  readonly text_embedder: PixArtAlphaTextProjection;

  constructor({ width, pooledWidth, guidance }: CombinedEmbeddingOptions) {
    super();
    this.timestep_embedder = new TimestepEmbedding(FREQUENCIES.channels, width);
    this.guidance_embedder = guidance ? new TimestepEmbedding(FREQUENCIES.channels, width) : undefined;
    this.text_embedder = new PixArtAlphaTextProjection(pooledWidth, width);
  }

  /** [n, width]. */
  forward({ timestep, pooled, guidance }: CombinedConditions): Value {
    const time = this.timestep_embedder.forward(timestepFrequencies(timestep, FREQUENCIES));
    const text = this.text_embedder.forward(pooled);
    if (this.guidance_embedder === undefined || guidance === undefined) return add(text, time);
    const scaled = timestepFrequencies(scale(guidance, 1000), FREQUENCIES);
    return add(text, add(time, this.guidance_embedder.forward(scaled)));
  }
}
