import { extname } from 'node:path';

/** Formats that pictures are written in. */
export type FileFormat = 'png' | 'webp' | 'jpg';

/** All formats that pictures can be written in. */
export const FILE_FORMATS: readonly [FileFormat, ...FileFormat[]] = ['png', 'webp', 'jpg'];

/** The format out of `formats` that a path's extension names, if any. */
export function formatOfPath<F extends string>(path: string, formats: readonly F[]): F | undefined {
  const extension = extname(path).slice(1).toLowerCase().replace('jpeg', 'jpg');
  return formats.find((format) => format === extension);
}
