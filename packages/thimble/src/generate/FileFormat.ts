import { extname } from 'node:path';
import { usage } from '../usage.js';

/** Formats that pictures are written in. */
export type FileFormat = 'png' | 'webp' | 'jpg';

/** All formats that pictures can be written in. */
export const FILE_FORMATS: readonly [FileFormat, ...FileFormat[]] = ['png', 'webp', 'jpg'];

/** Pixels that a side may have, where a format says so. */
const MOST_PIXELS: Readonly<Record<string, number>> = { webp: 16_383, jpg: 65_535, gif: 65_535 };

/** The format out of `formats` that a path's extension names, if any. */
export function formatOfPath<F extends string>(path: string, formats: readonly F[]): F | undefined {
  const extension = extname(path).slice(1).toLowerCase().replace('jpeg', 'jpg');
  return formats.find((format) => format === extension);
}

/** Refuses a size that a format cannot hold, before anything is computed; sides that are not known yet count as small. @throws CliError ERR_USAGE */
export function checkFormatSize(
  format: string,
  { width = 1, height = 1 }: { readonly width?: number | undefined; readonly height?: number | undefined },
): void {
  const most = MOST_PIXELS[format] ?? Infinity;
  if (Math.max(width, height) <= most) return;
  usage(
    `a ${format} file holds at most ${most} pixels a side, not ${width}x${height}; choose another --format, or a smaller --size`,
  );
}

/** Refuses a name whose extension is another one than that of what is written there. @throws CliError ERR_USAGE */
export function checkExtension(flag: string, path: string, extension: string): void {
  if (extname(path).toLowerCase() === extension) return;
  usage(`${flag} ${path}: what is written there is ${extension.slice(1).toUpperCase()}; end the name in ${extension}`);
}
