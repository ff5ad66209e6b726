// Pictures, spoiled: refused, or there are as many bytes as their sizes say. And pictures of any parts, written in any format.
import { createRequire } from 'node:module';
import { Image, readImageInfo } from '@thimble/core';
import fc from 'fast-check';
import { oddNumbers, oddValues, rarely } from './oddValues.mjs';
import { Random } from './Random.mjs';
import { refusalOf } from './refusalOf.mjs';

const FORMATS = ['png', 'jpeg', 'webp'];
/** Core's, which it reads formats with that it does not write. */
const SHARP = createRequire(new URL('../../packages/core/package.json', import.meta.url)).resolve('sharp');
const PARAMETERS = 'a cat\nNegative prompt: x\nSteps: 20, Sampler: Euler a, Seed: 1, Size: 24x16';
const DATA = new Uint8Array(24 * 16 * 4).map((_, i) => (i * 37) % 256);

export const count = 80_000;

export async function open() {
  const originals = [];
  for (const format of FORMATS)
    for (const channels of [3, 4]) {
      const image = new Image({
        width: 24,
        height: 16,
        channels,
        data: DATA.slice(0, 24 * 16 * channels),
        metadata: { parameters: PARAMETERS },
      });
      originals.push(await image.toBuffer(format));
    }
  const { default: sharp } = await import(SHARP);
  originals.push(await sharp(originals[0]).avif().toBuffer(), await sharp(originals[0]).gif().toBuffer());
  const parts = fc.record({
    width: fc.oneof(fc.integer({ min: 1, max: 40 }), oddNumbers),
    height: fc.oneof(fc.integer({ min: 1, max: 40 }), oddNumbers),
    channels: fc.oneof(fc.constantFrom(1, 3, 4), oddNumbers),
    data: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: oddValues }),
    metadata: rarely(3, fc.oneof(fc.dictionary(fc.string({ maxLength: 90 }), fc.string()), oddValues)),
  });
  return {
    inputs: fc.oneof(
      { weight: 3, arbitrary: spoiled(originals).map((bytes) => ({ bytes })) },
      {
        weight: 1,
        arbitrary: fc.record({
          parts,
          format: fc.constantFrom(...FORMATS, 'gif'),
          options: rarely(3, oddValues),
        }),
      },
    ),
    tryOne: async (input) => (input.bytes === undefined ? encode(input) : decode(input.bytes)),
    close: async () => undefined,
  };
}

/** What a picture begins with says most of what can be wrong; half of the changes are there. */
function spoiled(originals) {
  return fc.tuple(fc.nat({ max: originals.length - 1 }), fc.noShrink(fc.integer())).map(([index, seed]) => {
    const random = new Random(seed);
    const bytes = Buffer.from(originals[index]);
    for (let more = random.below(3); more >= 0; more--) {
      const at = random.below(random.oneIn(2) ? Math.min(120, bytes.length) : bytes.length);
      if (random.oneIn(4)) bytes.writeUInt8(random.of([0, 1, 127, 128, 255]), at);
      else bytes[at] = random.below(256);
    }
    if (random.oneIn(5)) return bytes.subarray(0, random.below(bytes.length));
    if (random.oneIn(8))
      return Buffer.concat([bytes.subarray(0, random.below(bytes.length)), bytes.subarray(random.below(bytes.length))]);
    return bytes;
  });
}

async function decode(bytes) {
  const info = await refusalOf(() => readImageInfo(bytes));
  const image = await refusalOf(() => Image.open(bytes, { maxPixels: 2 ** 20 }));
  if (typeof image === 'string') return image;
  const { width, height, channels, data } = image.value;
  if (data.length !== width * height * channels)
    throw new Error(`${data.length} bytes for ${width}×${height}×${channels}`);
  if (typeof info === 'string') throw new Error(`it is decoded, but its header is refused: ${info}`);
  return 'decoded';
}

async function encode({ parts: { data, ...parts }, format, options }) {
  const size = parts.width * parts.height * parts.channels;
  const made = await refusalOf(
    () =>
      new Image({ ...parts, data: data ?? (size >= 0 && size <= 2 ** 20 ? new Uint8Array(size) : new Uint8Array(1)) }),
  );
  if (typeof made === 'string') return made;
  const bytes = await refusalOf(() => made.value.toBuffer(format, options));
  if (typeof bytes === 'string') return `made, then ${bytes}`;
  const again = await Image.open(bytes.value);
  const { width, height } = made.value;
  if (again.width !== width || again.height !== height)
    throw new Error(`${width}×${height} came back as ${again.width}×${again.height}`);
  return 'encoded';
}
