/** Tags, and the types of their values. Source: Exif 3.0 (CIPA DC-008), §4.6. */
const IMAGE_DESCRIPTION = 0x010e;
const EXIF_IFD = 0x8769;
const USER_COMMENT = 0x9286;
const ASCII = 2;
const LONG = 4;
const UNDEFINED = 7;

/** What a user comment in UTF-16 begins with. */
const UNICODE = Buffer.from('UNICODE\0', 'latin1');
const HEADER = Buffer.from('MM\0*\0\0\0\x08', 'latin1');

interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly data: Buffer;
}

/**
 * EXIF that tells how a picture was made: as UserComment in UTF-16, where other tools look for it, and as ImageDescription in ASCII.
 *
 * Source: Exif 3.0, §4.6.5; AUTOMATIC1111's stable-diffusion-webui, modules/images.py.
 */
export function parametersExif(text: string): Buffer {
  const description = Buffer.from(`${inAscii(text)}\0`, 'latin1');
  const comment = Buffer.concat([UNICODE, Buffer.from(text, 'utf16le').swap16()]);
  const told = { tag: IMAGE_DESCRIPTION, type: ASCII, count: description.length, data: description };
  const pointer = (to: number): Entry => ({ tag: EXIF_IFD, type: LONG, count: 1, data: bigEndian(to) });
  const second = HEADER.length + directory(HEADER.length, [told, pointer(0)]).length;
  return Buffer.concat([
    HEADER,
    directory(HEADER.length, [told, pointer(second)]),
    directory(second, [{ tag: USER_COMMENT, type: UNDEFINED, count: comment.length, data: comment }]),
  ]);
}

/** An image file directory at `offset`, and behind it the values that are longer than four bytes. */
function directory(offset: number, entries: readonly Entry[]): Buffer {
  const table = Buffer.alloc(2 + 12 * entries.length + 4);
  const values: Buffer[] = [];
  let end = offset + table.length;
  table.writeUInt16BE(entries.length, 0);
  for (const [i, { tag, type, count, data }] of entries.entries()) {
    const at = 2 + 12 * i;
    table.writeUInt16BE(tag, at);
    table.writeUInt16BE(type, at + 2);
    table.writeUInt32BE(count, at + 4);
    if (data.length <= 4) data.copy(table, at + 8);
    else {
      table.writeUInt32BE(end, at + 8);
      // Values begin at even places.
      const padded = Buffer.concat([data, Buffer.alloc(data.length % 2)]);
      values.push(padded);
      end += padded.length;
    }
  }
  return Buffer.concat([table, ...values]);
}

function bigEndian(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}

/** Letters without their accents; what is still none of ASCII's is a question mark. */
function inAscii(text: string): string {
  return text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .replaceAll(/[^\n\r\t -~]/gu, '?');
}
