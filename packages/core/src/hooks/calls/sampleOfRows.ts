import { checkInteger } from '../../fields/checkNumber.js';
import { checkMembers } from '../../fields/checkMembers.js';
import { Tensor } from 'onnxruntime-common';
import { checkedRows } from './checkedRows.js';
import type { SampleRows } from './SampleRows.js';

/** More than one call decodes. */
const MOST_PICTURES = 2 ** 16;

/** Joins parts to a whole sample, [n, channels, height, width] or [n, channels, frames, height, width]. `count` pictures or videos are expected. @throws ERR_SAMPLE_ROWS for other parts */
export async function sampleOfRows(parts: AsyncIterable<SampleRows>, count: number): Promise<Tensor> {
  checkInteger('count', count, 1, MOST_PICTURES);
  checkMembers('parts', parts, 'parts of samples, one after another', [Symbol.asyncIterator]);
  let whole: Tensor | undefined;
  const ofVideos: SampleRows[] = [];
  for await (const part of checkedRows(parts, count)) {
    const { height, rows } = part;
    const [, channels = 1, many = 1, width = 1] = rows.dims;
    if (rows.dims.length === 5) ofVideos.push(part);
    else if (count === 1 && many === height) return rows;
    else {
      whole ??= new Tensor('float32', new Float32Array(count * channels * height * width), [
        count,
        channels,
        height,
        width,
      ]);
      paste(part, whole);
    }
  }
  if (ofVideos.length > 0) return joinVideos(ofVideos, count);
  return whole as Tensor;
}

/** How many frames there are is known when the last part is there. */
function joinVideos(parts: readonly SampleRows[], count: number): Tensor {
  const [{ rows, height }] = parts as readonly [SampleRows, ...SampleRows[]];
  if (parts.length === 1 && count === 1) return rows;
  const [, channels = 1, , , width = 1] = rows.dims;
  const frames = parts.reduce((most, { frame = 0, rows: { dims } }) => Math.max(most, frame + (dims[2] as number)), 0);
  const whole = new Tensor('float32', new Float32Array(count * channels * frames * height * width), [
    count,
    channels,
    frames,
    height,
    width,
  ]);
  for (const part of parts) paste(part, whole);
  return whole;
}

function paste({ index, frame = 0, top, rows }: SampleRows, whole: Tensor): void {
  const [, channels = 1, ...size] = rows.dims;
  const [many = 1, width = 1] = size.slice(-2);
  const [frames, total] = rows.dims.length === 5 ? [rows.dims[2] as number, whole.dims[2] as number] : [1, 1];
  const height = whole.dims.at(-2) as number;
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < frames; i++) {
      const from = (channel * frames + i) * many * width;
      const to = (((index * channels + channel) * total + frame + i) * height + top) * width;
      (whole.data as Float32Array).set((rows.data as Float32Array).subarray(from, from + many * width), to);
    }
  }
}
