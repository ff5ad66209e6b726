import { extname } from 'node:path';

/** Formats that pictures are written in. */
export type FileFormat = 'png' | 'webp' | 'jpg';

/** All formats that pictures can be written in. */
export const FILE_FORMATS: readonly FileFormat[] = ['png', 'webp', 'jpg'];

/** The format that a path's extension names, if any. */
export function formatOfPath(path: string): FileFormat | undefined {
  const extension = extname(path).slice(1).toLowerCase();
  return FILE_FORMATS.find((format) => format === extension.replace('jpeg', 'jpg'));
}
