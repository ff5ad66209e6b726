import type { DeviceTensor, NamedDeviceTensors } from '@thimble/core/plugin';

/** Names of picture tokens among the ports of blocks: `in.hidden` and `out.hidden`, or `x`, or `x.0`, `x.1` … for samples of different lengths. */
const STREAM = /^(?:(?:in|out)\.)?(?:hidden|x|tokens)(?:\.\d+)?$/;

/** The values of a segment that what is kept is made of: picture tokens, or a UNet's hidden state; not the tokens of a text, and no embeddings. */
export function tokenStreams(tensors: NamedDeviceTensors): readonly (readonly [port: string, tensor: DeviceTensor])[] {
  return Object.entries(tensors).filter(([port]) => STREAM.test(port));
}

/** The last `count` tokens of each sample; `values` [n, tokens, width]. Behind the tokens of a text stand those of the picture. */
export function lastTokens(values: Float32Array, dims: readonly number[], count: number): Float32Array {
  const [samples, tokens, width] = dims as readonly [number, number, number];
  if (count === tokens) return values;
  const part = new Float32Array(samples * count * width);
  for (let i = 0; i < samples; i++)
    part.set(values.subarray(((i + 1) * tokens - count) * width, (i + 1) * tokens * width), i * count * width);
  return part;
}

/** [n, tokens, width] with `part` as the last `count` tokens of each sample, and zeros before them. */
export function behindZeros(part: Float32Array, dims: readonly number[], count: number): Float32Array {
  const [samples, tokens, width] = dims as readonly [number, number, number];
  if (count === tokens) return part;
  const values = new Float32Array(samples * tokens * width);
  for (let i = 0; i < samples; i++)
    values.set(part.subarray(i * count * width, (i + 1) * count * width), ((i + 1) * tokens - count) * width);
  return values;
}
