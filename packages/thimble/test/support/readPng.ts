import { readFileSync } from 'node:fs';

/** Size and texts of a PNG file. */
export function readPng(path: string): { readonly width: number; readonly height: number; readonly text: string } {
  const bytes = readFileSync(path);
  let text = '';
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) === 'tEXt') text += bytes.toString('latin1', at + 8, at + 8 + length);
    at += 12 + length;
  }
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20), text };
}
