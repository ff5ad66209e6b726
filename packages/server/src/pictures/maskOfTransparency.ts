import { Image } from '@thimble/core';

/** Alpha below this is transparent. */
const OPAQUE = 128;
const WHITE = 255;

/** A mask as thimble takes it, white where a picture is transparent, as OpenAI's masks are what is made anew; undefined for one without transparency. */
export async function maskOfTransparency({ width, height, channels, data }: Image): Promise<Uint8Array | undefined> {
  if (channels !== 4) return undefined;
  const mask = Uint8Array.from({ length: width * height }, (_, i) =>
    (data[i * 4 + 3] as number) < OPAQUE ? WHITE : 0,
  );
  return mask.includes(WHITE) ? new Image({ width, height, channels: 1, data: mask }).toBuffer() : undefined;
}

/** A mask with black for white: what is transparent counts as black. */
export async function invertedMask({ width, height, channels, data }: Image): Promise<Uint8Array> {
  const inverted = Uint8Array.from({ length: width * height }, (_, i) => {
    const colours = data.subarray(i * channels, i * channels + Math.min(channels, 3));
    const level = colours.reduce((sum, value) => sum + value, 0) / colours.length;
    return WHITE - Math.round(channels === 4 ? (level * (data[i * 4 + 3] as number)) / WHITE : level);
  });
  return new Image({ width, height, channels: 1, data: inverted }).toBuffer();
}
