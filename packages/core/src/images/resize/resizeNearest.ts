import { Tensor } from 'onnxruntime-common';

/** Resizes float32 [n, channels, height, width] as torch's `interpolate` with mode nearest: element floor(i · in / out). */
export function resizeNearest(tensor: Tensor, height: number, width: number): Tensor {
  const [count = 1, channels = 1, rows = 1, columns = 1] = tensor.dims;
  if (rows === height && columns === width) return tensor;
  const data = tensor.data as Float32Array;
  const out = new Float32Array(count * channels * height * width);
  const across = Array.from({ length: width }, (_, x) => Math.floor((x * columns) / width));
  let at = 0;
  for (let plane = 0; plane < count * channels; plane++)
    for (let y = 0; y < height; y++) {
      const row = (plane * rows + Math.floor((y * rows) / height)) * columns;
      for (const x of across) out[at++] = data[row + x] as number;
    }
  return new Tensor('float32', out, [count, channels, height, width]);
}
