import { Tensor } from '@thimble/core';

/** What becomes of the mean of weighted embeddings; AUTOMATIC1111's names for it are "Original" and "No norm". */
export type Emphasis = 'original' | 'no-norm';

/** How tokens are weighed. */
export interface Weighing {
  /** Of each token of each prompt, row by row: start, end and padding weigh 1. */
  readonly weights: readonly number[];
  /** Tokens of a chunk, start and end included. */
  readonly length: number;
  readonly emphasis: Emphasis;
}

/**
 * Weighs embeddings as AUTOMATIC1111 does: each token's vector times its weight, z' = w · z; with `original` emphasis then every chunk of every prompt times mean(z) / mean(z'), means over
 * all its tokens and channels, so that the mean is what it was.
 *
 * @param embeds float32 [prompts, tokens, width], the chunks' tokens one after the other
 * @returns others of the same shape; chunks in which every token weighs 1 are as they were, bit for bit
 */
export function weighTokens(embeds: Tensor, { weights, length, emphasis }: Weighing): Tensor {
  const width = embeds.dims[2] as number;
  const data = (embeds.data as Float32Array).slice();
  for (let token = 0; token < weights.length; token += length) {
    const chunk = weights.slice(token, token + length);
    if (chunk.every((weight) => weight === 1)) continue;
    const values = data.subarray(token * width, (token + length) * width);
    const before = meanOf(values);
    for (const [i, weight] of chunk.entries()) multiply(values.subarray(i * width, (i + 1) * width), weight);
    const factor = before / meanOf(values);
    // Means of zero have no ratio.
    if (emphasis === 'original' && Number.isFinite(factor)) multiply(values, factor);
  }
  return new Tensor('float32', data, embeds.dims);
}

function multiply(values: Float32Array, factor: number): void {
  for (let i = 0; i < values.length; i++) values[i] = (values[i] as number) * factor;
}

function meanOf(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
