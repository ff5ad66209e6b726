/** The longest segment of a JPEG, without its marker. */
const LONGEST_SEGMENT = 0xffff;
const RIFF_HEADER = 12;
const CHUNK_HEADER = 8;
/** The flag of a WebP's extended header that says that there is EXIF. */
const EXIF_FLAG = 0x08;

/** A JPEG with EXIF in its first segment; as it is where the EXIF is longer than a segment can be. Source: Exif 3.0, §4.5.4. */
export function insertJpegExif(jpeg: Buffer, exif: Buffer): Buffer {
  const length = 2 + 6 + exif.length;
  if (length > LONGEST_SEGMENT) return jpeg;
  const head = Buffer.from('\xFF\xE1\0\0Exif\0\0', 'latin1');
  head.writeUInt16BE(length, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, exif, jpeg.subarray(2)]);
}

/** A WebP in the extended format with EXIF, which goes before XMP. Source: RFC 9649, §2.7. */
export function insertWebpExif(webp: Buffer, exif: Buffer): Buffer {
  const at = webpChunk(webp, 'XMP ') ?? webp.length;
  const head = Buffer.from('EXIF\0\0\0\0', 'latin1');
  head.writeUInt32LE(exif.length, 4);
  const parts = [webp.subarray(0, at), head, exif, Buffer.alloc(exif.length % 2), webp.subarray(at)];
  const whole = Buffer.concat(parts);
  whole.writeUInt32LE(whole.length - 8, 4);
  whole[RIFF_HEADER + CHUNK_HEADER]! |= EXIF_FLAG;
  return whole;
}

function webpChunk(webp: Buffer, name: string): number | undefined {
  for (let at = RIFF_HEADER; at + CHUNK_HEADER <= webp.length;) {
    if (webp.toString('latin1', at, at + 4) === name) return at;
    const length = webp.readUInt32LE(at + 4);
    at += CHUNK_HEADER + length + (length % 2);
  }
  return undefined;
}
