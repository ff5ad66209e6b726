import { Tensor, TorchGenerator } from '../packages/core/dist/index.js';

/** Latents with the texture of real ones: noise, smooth and rough. */
export function latentsLike(dims) {
  const [count, channels, height, width] = dims;
  const noise = new TorchGenerator(7).randn(dims).data;
  const data = new Float32Array(noise.length);
  for (let plane = 0; plane < count * channels; plane++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = (plane * height + y) * width + x;
        data[at] = 3 * Math.sin(plane + x / 19) * Math.cos(plane + y / 23) + noise[at];
      }
    }
  }
  return new Tensor('float32', data, dims);
}
