const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/**
 * The texts before the pixels of a PNG file, by their keywords: those of tEXt chunks, and of iTXt chunks that are not compressed. Nothing of what is no PNG, or is cut off.
 *
 * Source: PNG specification (third edition), §11.3.3.
 */
export function readPngTexts(bytes: Uint8Array): Record<string, string> {
  const texts = new Map<string, string>();
  if (!SIGNATURE.every((byte, i) => bytes[i] === byte)) return {};
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = SIGNATURE.length; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    const type = decoded(bytes.subarray(at + 4, at + 8), 'latin1');
    const data = bytes.subarray(at + 8, at + 8 + length);
    if (type === 'IDAT' || data.length < length) break;
    const text = type === 'tEXt' ? plainText(data) : type === 'iTXt' ? internationalText(data) : undefined;
    if (text !== undefined) texts.set(...text);
    at += length + 12;
  }
  return Object.fromEntries(texts);
}

function plainText(data: Uint8Array): [string, string] | undefined {
  const end = data.indexOf(0);
  return end < 0 ? undefined : [decoded(data.subarray(0, end), 'latin1'), decoded(data.subarray(end + 1), 'latin1')];
}

/** Keyword, compression flag and method, language, translated keyword, text. */
function internationalText(data: Uint8Array): [string, string] | undefined {
  const keyword = data.indexOf(0);
  const language = data.indexOf(0, keyword + 3);
  const translated = data.indexOf(0, language + 1);
  if (keyword < 0 || language < 0 || translated < 0 || data[keyword + 1] !== 0) return undefined;
  return [decoded(data.subarray(0, keyword), 'latin1'), decoded(data.subarray(translated + 1), 'utf-8')];
}

function decoded(bytes: Uint8Array, encoding: string): string {
  return new TextDecoder(encoding).decode(bytes);
}
