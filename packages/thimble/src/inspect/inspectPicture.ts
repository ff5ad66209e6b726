import { statSync } from 'node:fs';
import { type ImageInfo, readImageInfo } from '@thimble/core';

const EXTENSION = /\.(?:png|jpe?g|webp|avif)$/i;

/** Whether what is to be looked at is a picture: a file with a picture's extension. */
export function isPicture(path: string): boolean {
  return EXTENSION.test(path) && statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
}

/** What a picture's file tells, for people, or with `json` for programs. @throws what {@link readImageInfo} throws */
export async function inspectPicture(path: string, { json }: { readonly json: boolean }): Promise<string> {
  const info = await readImageInfo(path);
  return json ? JSON.stringify({ path, ...info }) : formatInfo(path, info);
}

function formatInfo(path: string, { format, width, height, metadata }: ImageInfo): string {
  const { parameters, ...others } = metadata;
  const facts = [`picture    ${path}`, `format     ${format.toUpperCase()}, ${width}×${height}`];
  const texts = Object.entries(others).map(([keyword, text]) => `${keyword}\n${text}`);
  const made = parameters ?? (texts.length === 0 ? 'It does not tell how it was made.' : undefined);
  return [facts.join('\n'), ...(made === undefined ? [] : [made]), ...texts].join('\n\n');
}
