import { Tensor } from 'onnxruntime-common';
import type { SampleRows } from '../hooks/calls/SampleRows.js';
import { GrowingImage } from '../images/GrowingImage.js';
import type { Image } from '../images/Image.js';

/** Told of every frame once it is whole: which video, which frame, the picture. */
export type FrameReader = (image: Image, index: number, frame: number) => void;

/** Makes pictures of a video's frames out of the parts that decoding gives: whole frames, or rows of many frames at once. */
export class VideoFrames {
  readonly #growing = new Map<string, GrowingImage>();
  readonly #videos: Image[][] = [];
  readonly #done: FrameReader;

  constructor(done: FrameReader = () => undefined) {
    this.#done = done;
  }

  /** The frames so far, of each video. */
  get videos(): Image[][] {
    return this.#videos;
  }

  /** Takes a part of [1, 3, frames, rows, width]. @throws ERR_IMAGE_NAN if a frame has a NaN */
  add({ index, frame = 0, top, height, rows }: SampleRows): void {
    const [, channels = 1, frames = 1, many = 1, width = 1] = rows.dims;
    const plane = many * width;
    const data = new Float32Array(channels * plane);
    for (let i = 0; i < frames; i++) {
      for (let channel = 0; channel < channels; channel++) {
        const from = (channel * frames + i) * plane;
        data.set((rows.data as Float32Array).subarray(from, from + plane), channel * plane);
      }
      this.#grow(index, frame + i, { width, height }).add(top, data);
      this.#finish(index, frame + i);
    }
  }

  #grow(
    index: number,
    frame: number,
    { width, height }: { readonly width: number; readonly height: number },
  ): GrowingImage {
    const key = `${index}.${frame}`;
    const image = this.#growing.get(key) ?? new GrowingImage(frame, width, height);
    this.#growing.set(key, image);
    return image;
  }

  #finish(index: number, frame: number): void {
    const key = `${index}.${frame}`;
    const growing = this.#growing.get(key);
    if (growing?.complete !== true) return;
    this.#growing.delete(key);
    const image = growing.toImage();
    this.#videos[index] ??= [];
    this.#videos[index][frame] = image;
    this.#done(image, index, frame);
  }
}

/** A sample [n, 3, frames, height, width] in [-1, 1] as pixels [n, frames, height, width, 3] in [0, 1]. */
export function videoPixels(sample: Tensor, pixelOf: (x: number) => number): Tensor {
  const [n, channels, frames, height, width] = sample.dims as [number, number, number, number, number];
  const [data, plane] = [sample.data as Float32Array, height * width];
  const out = new Float32Array(data.length);
  for (let i = 0; i < n; i++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let at = 0; at < frames * plane; at++) {
        out[(i * frames * plane + at) * channels + channel] = Math.min(
          Math.max(pixelOf(data[(i * channels + channel) * frames * plane + at] as number), 0),
          1,
        );
      }
    }
  }
  return new Tensor('float32', out, [n, frames, height, width, channels]);
}
