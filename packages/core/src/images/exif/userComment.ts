const EXIF_IFD = 0x8769;
const USER_COMMENT = 0x9286;
const PREFIX = 'Exif\0\0';
const CHARSET_BYTES = 8;

/**
 * The user's comment in EXIF, in whichever byte order and character set; undefined where there is none, or the EXIF is damaged.
 *
 * @param exif from its byte order mark on, with or without the `Exif` that it begins with in JPEG
 */
export function userComment(exif: Uint8Array): string | undefined {
  const bytes = Buffer.from(exif.buffer, exif.byteOffset, exif.length);
  const tiff = bytes.toString('latin1', 0, PREFIX.length) === PREFIX ? bytes.subarray(PREFIX.length) : bytes;
  try {
    return new Tiff(tiff).userComment();
  } catch {
    // It points beyond its end, which is all that can fail.
    return undefined;
  }
}

class Tiff {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #littleEndian: boolean;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#littleEndian = bytes.toString('latin1', 0, 2) === 'II';
  }

  userComment(): string | undefined {
    const directory = this.#entry(this.#uint32(4), EXIF_IFD);
    const entry = directory === undefined ? undefined : this.#entry(this.#uint32(directory + 8), USER_COMMENT);
    if (entry === undefined) return undefined;
    const count = this.#uint32(entry + 4);
    const at = this.#uint32(entry + 8);
    if (at + count > this.#bytes.length) return undefined;
    return this.#textOf(this.#bytes.subarray(at, at + count));
  }

  /** Where a tag's entry in the directory at `offset` begins. */
  #entry(offset: number, tag: number): number | undefined {
    const count = this.#view.getUint16(offset, this.#littleEndian);
    for (let i = 0; i < count; i++) {
      const at = offset + 2 + 12 * i;
      if (this.#view.getUint16(at, this.#littleEndian) === tag) return at;
    }
    return undefined;
  }

  #textOf(comment: Buffer): string {
    const text = comment.subarray(CHARSET_BYTES);
    const isUnicode = comment.toString('latin1', 0, CHARSET_BYTES) === 'UNICODE\0';
    const decoded = isUnicode ? decodeUtf16(text, this.#littleEndian) : text.toString('utf8');
    return decoded.replace(/[\0 ]+$/, '');
  }

  #uint32(offset: number): number {
    return this.#view.getUint32(offset, this.#littleEndian);
  }
}

/** Some write it in the file's byte order, and some always big-endian: the zeros of Western text tell; without any, it is big-endian. */
function decodeUtf16(bytes: Buffer, fileIsLittleEndian: boolean): string {
  const even = Buffer.from(bytes.subarray(0, bytes.length - (bytes.length % 2)));
  const zeros = [0, 0];
  for (const [i, byte] of even.entries()) if (byte === 0) zeros[i % 2]!++;
  const [first, second] = zeros as [number, number];
  const little = first === second ? fileIsLittleEndian && first > 0 : second > first;
  return (little ? even : even.swap16()).toString('utf16le');
}
