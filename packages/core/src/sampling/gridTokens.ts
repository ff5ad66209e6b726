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

/** [n, a, b] → [n, b, a]. */
function turned(data: Float32Array, n: number, a: number, b: number): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < a; j++)
      for (let k = 0; k < b; k++) out[(i * b + k) * a + j] = data[(i * a + j) * b + k] as number;
  return out;
}
