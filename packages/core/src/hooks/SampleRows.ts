import { Tensor } from 'onnxruntime-common';

/** Some rows of one picture of a batch, as decoding gives them: pictures in order, rows from the top. */
export interface SampleRows {
  /** Which picture of the batch, from 0. */
  readonly index: number;
  /** The first of these rows. */
  readonly top: number;
  /** How many rows the whole picture has. */
  readonly height: number;
  /** float32 [1, channels, rows, width]. */
  readonly rows: Tensor;
}

/** A whole sample [n, channels, height, width] as parts: one per picture, views, no copies. */
export async function * rowsOfSample(sample: Tensor): AsyncGenerator<SampleRows> {
  const [count = 0, channels = 1, height = 1, width = 1] = sample.dims;
  const size = channels * height * width;
  for (let index = 0; index < count; index++) {
    const data = (sample.data as Float32Array).subarray(index * size, (index + 1) * size);
    yield { index, top: 0, height, rows: new Tensor('float32', data, [1, channels, height, width]) };
  }
}

/** Joins parts to a whole sample [n, channels, height, width]. `count` pictures are expected. */
export async function sampleOfRows(parts: AsyncIterable<SampleRows>, count: number): Promise<Tensor> {
  let whole: Tensor | undefined;
  for await (const { index, top, height, rows } of parts) {
    const [, channels = 1, many = 1, width = 1] = rows.dims;
    if (count === 1 && many === height) return rows;
    whole ??= new Tensor('float32', new Float32Array(count * channels * height * width), [count, channels, height, width]);
    for (let channel = 0; channel < channels; channel++) {
      const from = (rows.data as Float32Array).subarray(channel * many * width, (channel + 1) * many * width);
      (whole.data as Float32Array).set(from, ((index * channels + channel) * height + top) * width);
    }
  }
  if (whole === undefined) throw new RangeError('decoding gave no rows');
  return whole;
}
