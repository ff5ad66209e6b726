import { InvalidArgumentError } from 'commander';

/** Width and height in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** `512x768` → width 512, height 768; `512` is a square. */
export function parseSize(text: string): Size {
  const match = /^(\d{1,6})(?:[x×](\d{1,6}))?$/i.exec(text);
  if (match === null) throw new InvalidArgumentError('Expected WIDTHxHEIGHT in pixels, such as 512x512.');
  return { width: Number(match[1]), height: Number(match[2] ?? match[1]) };
}
