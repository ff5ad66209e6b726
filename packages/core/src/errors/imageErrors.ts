import type { ErrorDefinitions } from './ErrorDefinition.js';
import { describeValue } from './describeValue.js';

/** Failures of pictures and videos. */
export const imageErrors = {
  ERR_IMAGE_NAN: {
    summary: 'Pixels are NaN, so that no image can be made of them.',
    message: (d: { image: number; count: number }): string =>
      `image ${d.image} has ${d.count} values that are NaN; decode with another dtype: float16 overflows in some VAEs (use their fixed weights, or dtype float32).`,
  },
  ERR_IMAGE_FORMAT: {
    summary: 'An image was to be written in a format that thimble does not know.',
    message: (d: { format: unknown; supported: readonly string[] }): string =>
      `images cannot be written as ${describeValue(d.format)}; supported: ${d.supported.join(', ')}.`,
  },
  ERR_IMAGE_ENCODE: {
    summary: 'An image could not be encoded.',
    message: (d: { format: string; reason: string }): string =>
      `the image could not be encoded as ${d.format}: ${d.reason}. Save it as png, which needs no further library and knows no limit of size.`,
  },
  ERR_IMAGE_DECODE: {
    summary: 'A picture could not be read.',
    message: (d: { source: string; reason: string }): string =>
      `"${d.source}" cannot be read as a picture: ${d.reason}. Give a whole PNG, JPEG, WebP or AVIF.`,
  },
  ERR_IMAGE_SIZE: {
    summary: 'A picture has more pixels than thimble reads.',
    message: (d: { source: string; width: number; height: number; maxPixels: number }): string =>
      `"${d.source}" has ${d.width}x${d.height} pixels, more than the ${d.maxPixels} that are read. Make it smaller first.`,
  },
  ERR_VIDEO_FORMAT: {
    summary: 'A video was to be written in a format that thimble does not know.',
    message: (d: { format: unknown; supported: readonly string[] }): string =>
      `videos cannot be written as ${describeValue(d.format)}; supported: ${d.supported.join(', ')}.`,
  },
  ERR_VIDEO_ENCODE: {
    summary: 'A video could not be encoded.',
    message: (d: { format: string; reason: string }): string =>
      `the video could not be encoded as ${d.format}: ${d.reason}.`,
  },
} as const satisfies ErrorDefinitions;
