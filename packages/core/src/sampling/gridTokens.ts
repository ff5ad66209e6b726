import { Tensor } from 'onnxruntime-common';

/** Latents [n, c, rows, columns] as tokens, one for each place, row by row: [n, rows · columns, c]. */
export function packTokens({ data, dims }: Tensor): Tensor {
  const [n, channels, rows, columns] = dims as [number, number, number, number];
  return new Tensor('float32', turned(data as Float32Array, n, channels, rows * columns), [
    n,
    rows * columns,
    channels,
  ]);
}

/** What {@link packTokens} undoes. */
export function unpackTokens({ data, dims }: Tensor, rows: number, columns: number): Tensor {
  const [n, tokens, channels] = dims as [number, number, number];
  return new Tensor('float32', turned(data as Float32Array, n, tokens, channels), [n, channels, rows, columns]);
}

/**
 * Latents [n, c, h, w] as tokens of 2 × 2 places, [n, h / 2 · w / 2, 4c]: inside a token channel, row, column, the channel slowest (source: diffusers pipelines/flux/pipeline_flux.py,
 * `_pack_latents`).
 */
export function packPatches({ data, dims }: Tensor): Tensor {
  const [n, channels, height, width] = dims as [number, number, number, number];
  const out = new Float32Array(data.length);
  forEachPatched({ n, channels, rows: height / 2, columns: width / 2 }, (packed, plain) => {
    out[packed] = data[plain] as number;
  });
  return new Tensor('float32', out, [n, (height / 2) * (width / 2), 4 * channels]);
}

/** What {@link packPatches} undoes: `rows` and `columns` of tokens. */
export function unpackPatches({ data, dims }: Tensor, rows: number, columns: number): Tensor {
  const [n, , features] = dims as [number, number, number];
  const out = new Float32Array(data.length);
  forEachPatched({ n, channels: features / 4, rows, columns }, (packed, plain) => {
    out[plain] = data[packed] as number;
  });
  return new Tensor('float32', out, [n, features / 4, 2 * rows, 2 * columns]);
}

/** The positions (frame, row, column) of a picture's tokens, float32 [tokens, 3]; those of a text are zeros. */
export function patchIds(rows: number, columns: number): Tensor {
  const ids = Float32Array.from({ length: 3 * rows * columns }, (_, i) => {
    const token = Math.floor(i / 3);
    return [0, Math.floor(token / columns), token % columns][i % 3] as number;
  });
  return new Tensor('float32', ids, [rows * columns, 3]);
}

/** The positions (t, h, w, l) of a picture's tokens, int64 [1, tokens, 4]. */
export function gridIds(rows: number, columns: number, time: number): Tensor {
  const ids = Array.from({ length: rows * columns }, (_, i) => [time, Math.floor(i / columns), i % columns, 0]);
  return idsOf(ids);
}

/** The positions of a text's tokens, int64 [1, tokens, 4]. */
export function textIds(tokens: number): Tensor {
  return idsOf(Array.from({ length: tokens }, (_, i) => [0, 0, 0, i]));
}

/** Tokens one after the other, [n, a, width] and [n, b, width] → [n, a + b, width], float32 or int64. */
export function joinTokens(tensors: readonly Tensor[]): Tensor {
  const [first] = tensors as readonly [Tensor, ...Tensor[]];
  if (tensors.length === 1) return first;
  const [n, , width] = first.dims as [number, number, number];
  const tokens = tensors.reduce((sum, { dims }) => sum + (dims[1] as number), 0);
  const data = first.type === 'int64' ? new BigInt64Array(n * tokens * width) : new Float32Array(n * tokens * width);
  let at = 0;
  for (let sample = 0; sample < n; sample++)
    for (const { data: values, size } of tensors) {
      const length = size / n;
      data.set((values as Float32Array).subarray(sample * length, (sample + 1) * length) as never, at);
      at += length;
    }
  return new Tensor(first.type as 'float32', data as Float32Array, [n, tokens, width]);
}

function idsOf(ids: readonly (readonly number[])[]): Tensor {
  return new Tensor('int64', BigInt64Array.from(ids.flat(), BigInt), [1, ids.length, 4]);
}

/** How many patches of 2 × 2 there are. */
interface PatchCounts {
  readonly n: number;
  readonly channels: number;
  readonly rows: number;
  readonly columns: number;
}

/** Calls back with the place of each value among tokens, and among latents. */
function forEachPatched(
  { n, channels, rows, columns }: PatchCounts,
  visit: (packed: number, plain: number) => void,
): void {
  let plain = 0;
  for (let plane = 0; plane < n * channels; plane++) {
    const [sample, channel] = [Math.floor(plane / channels), plane % channels];
    for (let y = 0; y < 2 * rows; y++)
      for (let x = 0; x < 2 * columns; x++, plain++) {
        const token = (sample * rows + (y >> 1)) * columns + (x >> 1);
        visit(4 * (token * channels + channel) + 2 * (y & 1) + (x & 1), plain);
      }
  }
}

/** [n, a, b] → [n, b, a]. */
function turned(data: Float32Array, n: number, a: number, b: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < a; j++)
      for (let k = 0; k < b; k++) out[(i * b + k) * a + j] = data[(i * a + j) * b + k] as number;
  return out;
}
