import { refuseOption } from '../../fields/refuseOption.js';
import { crop, paste, type Rectangle } from '../../images/crop.js';
import type { PlainImage } from '../../images/ImageParts.js';
import { resizeImage } from '../../images/resize/resizeImage.js';

/** The size of a run, and how much it is to see around the mask. */
export interface CropOptions {
  readonly width: number;
  readonly height: number;
  /** Pixels of the whole picture. */
  readonly padding: number;
}

/** A picture's part around its mask. */
export interface CroppedPictures {
  readonly region: Rectangle;
  /** The part, at the size of the run. */
  readonly image: PlainImage;
  readonly mask: PlainImage;
}

/** From and to, not inclusive, on one axis. */
type Span = readonly [from: number, to: number];

/**
 * The part of a picture that a run fills in: the box of the mask and `padding` around it, as wide to its height as the run, as far as the picture goes; resized to the
 * run's size (source: diffusers image_processor.py, `get_crop_region` and `_resize_and_fill`).
 *
 * @param mask of the picture's size, with one channel
 * @throws ERR_ARGUMENT_INVALID for a mask that is black
 */
export async function cropToMask(image: PlainImage, mask: PlainImage, options: CropOptions): Promise<CroppedPictures> {
  const region = regionOf(mask, options);
  const fit = async (whole: PlainImage): Promise<PlainImage> => resizeAndFill(crop(whole, region), options);
  return { region, image: await fit(image), mask: await fit(mask) };
}

function regionOf({ width, height, data }: PlainImage, { padding, ...run }: CropOptions): Rectangle {
  const columns: Span[] = [];
  const rows: number[] = [];
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    const from = row.findIndex((level) => level > 0);
    if (from < 0) continue;
    rows.push(y);
    columns.push([from, row.findLastIndex((level) => level > 0) + 1]);
  }
  if (rows.length === 0) refuseOption('maskImage', 'black', 'a mask that is white somewhere, with paddingMaskCrop');
  const [left, right] = padded(
    [minOf(columns.map(([from]) => from)), -minOf(columns.map(([, to]) => -to))],
    padding,
    width,
  );
  const [top, bottom] = padded([rows[0] as number, (rows.at(-1) as number) + 1], padding, height);
  const ratio = run.width / run.height;
  const [x, y] =
    (right - left) / (bottom - top) > ratio
      ? [[left, right] as const, widened([top, bottom], (right - left) / ratio, height)]
      : [widened([left, right], (bottom - top) * ratio, width), [top, bottom] as const];
  return { left: x[0], top: y[0], width: x[1] - x[0], height: y[1] - y[0] };
}

/** Without spreading: there may be many rows. */
function minOf(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Infinity);
}

function padded([from, to]: Span, padding: number, length: number): Span {
  return [Math.max(from - padding, 0), Math.min(to + padding, length)];
}

/** As long as `wanted`, half of the rest on each side, moved to be inside `length`, and no longer than that. */
function widened([from, to]: Span, wanted: number, length: number): Span {
  const more = Math.trunc(wanted - (to - from));
  const before = Math.floor(more / 2);
  const beyond = Math.max(0, to + more - before - length);
  const start = from - before - beyond;
  const end = to + more - before - beyond;
  return start < 0 ? [0, Math.min(end - start, length)] : [start, end];
}

/** Resized to fit in the middle; what is left on two sides is filled with the edges, stretched. */
async function resizeAndFill(image: PlainImage, { width, height }: CropOptions): Promise<PlainImage> {
  const ratio = width / height;
  const own = image.width / image.height;
  const inner = {
    width: ratio < own ? width : Math.max(1, Math.floor((image.width * height) / image.height)),
    height: ratio >= own ? height : Math.max(1, Math.floor((image.height * width) / image.width)),
  };
  const resized = await resizeImage(image, inner);
  const left = Math.floor(width / 2) - Math.floor(inner.width / 2);
  const top = Math.floor(height / 2) - Math.floor(inner.height / 2);
  const out: PlainImage = { ...image, width, height, data: new Uint8Array(width * height * image.channels) };
  paste(out, resized, left, top);
  const edge = async (at: number, x: number, y: number): Promise<void> => {
    const [size, box] =
      ratio < own
        ? [{ width, height: top }, [0, at, inner.width, at] as const]
        : [{ width: left, height }, [at, 0, at, inner.height] as const];
    if (size.width > 0 && size.height > 0)
      paste(out, await resizeImage(resized, { ...size, filter: 'bicubic', box }), x, y);
  };
  if (ratio < own) {
    await edge(0, 0, 0);
    await edge(inner.height, 0, top + inner.height);
  }
  if (ratio > own) {
    await edge(0, 0, 0);
    await edge(inner.width, left + inner.width, 0);
  }
  return out;
}
