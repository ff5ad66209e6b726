import { Tensor } from 'onnxruntime-common';

/** Some rows of one picture or video of a batch, as decoding gives them: pictures in order, frames in order, rows from the top. */
export interface SampleRows {
  /** Which picture or video of the batch, from 0. */
  readonly index: number;
  /** Of a video, the first of these frames. */
  readonly frame?: number;
  /** The first of these rows. */
  readonly top: number;
  /** How many rows the whole picture has. */
  readonly height: number;
  /** float32 [1, channels, rows, width]; of a video [1, channels, frames, rows, width]. */
  readonly rows: Tensor;
}

/**
 * A sample [n, channels, height, width] or [n, channels, frames, height, width] as parts: one per picture or video, views, no copies.
 *
 * @param first where the sample begins: the first picture's or video's place in the batch, and the first frame's in the video
 */
export async function* rowsOfSample(
  sample: Tensor,
  first: { readonly index: number; readonly frame: number } = { index: 0, frame: 0 },
): AsyncGenerator<SampleRows> {
  const [count = 0, ...rest] = sample.dims;
  const size = rest.reduce((a, b) => a * b, 1);
  const height = sample.dims.at(-2) ?? 1;
  for (let i = 0; i < count; i++) {
    const data = (sample.data as Float32Array).subarray(i * size, (i + 1) * size);
    const frame = sample.dims.length === 5 ? { frame: first.frame } : {};
    yield { index: first.index + i, ...frame, top: 0, height, rows: new Tensor('float32', data, [1, ...rest]) };
  }
}
