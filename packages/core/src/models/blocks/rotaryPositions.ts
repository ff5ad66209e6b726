import type { PatchGrid } from './sincosPositions.js';

/** Rows and columns of patches that a model was trained with. */
export type TrainedGrid = Pick<PatchGrid, 'height' | 'width'>;

/** Cosines and sines, [frames · height · width, features / 2] each: one for each pair of a head's features. */
export interface RotaryTables {
  readonly cosines: readonly number[];
  readonly sines: readonly number[];
}

const BASE = 10000;

/**
 * The angles by which the features of each patch of a video are turned: a quarter of the features tells the frame, three eighths the row, three
 * eighths the column. Videos of another shape than `trained` are fitted into it and centred (source: diffusers models/embeddings.py,
 * `get_3d_rotary_pos_embed`, and pipelines/cogvideo/pipeline_cogvideox.py, `get_resize_crop_region_for_grid`).
 *
 * @param features of one head, a multiple of 8
 */
export function rotaryPositions(
  features: number,
  { frames, height, width }: PatchGrid,
  trained: TrainedGrid,
): RotaryTables {
  const [rows, columns] = cropRegion({ height, width }, trained);
  const ofFrame = anglesOf(linspace(0, frames - 1, frames), features / 4);
  const ofRow = anglesOf(linspace(rows.start, (rows.end * (height - 1)) / height, height), (features / 8) * 3);
  const ofColumn = anglesOf(linspace(columns.start, (columns.end * (width - 1)) / width, width), (features / 8) * 3);
  const angles: number[] = [];
  for (let t = 0; t < frames; t++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++)
        angles.push(...(ofFrame[t] as number[]), ...(ofRow[y] as number[]), ...(ofColumn[x] as number[]));
    }
  }
  return {
    cosines: angles.map((angle) => Math.fround(Math.cos(angle))),
    sines: angles.map((angle) => Math.fround(Math.sin(angle))),
  };
}

interface Span {
  readonly start: number;
  readonly end: number;
}

/** Where the grid lies in the trained one, once it is resized to fit in it. */
function cropRegion({ height, width }: TrainedGrid, trained: TrainedGrid): readonly [rows: Span, columns: Span] {
  const tall = height / width > trained.height / trained.width;
  const resizedHeight = tall ? trained.height : roundHalfEven((trained.width / width) * height);
  const resizedWidth = tall ? roundHalfEven((trained.height / height) * width) : trained.width;
  const top = roundHalfEven((trained.height - resizedHeight) / 2);
  const left = roundHalfEven((trained.width - resizedWidth) / 2);
  return [
    { start: top, end: top + resizedHeight },
    { start: left, end: left + resizedWidth },
  ];
}

/** Python's `round`. */
function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** torch's float32 `linspace`: from the start up to the middle, from the end down to it. */
function linspace(start: number, end: number, count: number): number[] {
  if (count === 1) return [start];
  const step = Math.fround(Math.fround(Math.fround(end) - Math.fround(start)) / (count - 1));
  return Array.from({ length: count }, (_, i) =>
    Math.fround(i < count / 2 ? start + step * i : end - step * (count - 1 - i)),
  );
}

/** [positions][features / 2], in float32 as torch's. */
function anglesOf(positions: readonly number[], features: number): number[][] {
  const frequencies = Array.from({ length: features / 2 }, (_, i) =>
    Math.fround(1 / Math.fround(BASE ** Math.fround((2 * i) / features))),
  );
  return positions.map((position) => frequencies.map((frequency) => Math.fround(position * frequency)));
}
