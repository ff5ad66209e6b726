const FIRST_STAND_IN = 0x100;

/**
 * The character that stands for each of the 256 bytes in a byte-level vocabulary: itself where it is printable Latin-1, else
 * one of those from U+0100 on.
 *
 * Source: GPT-2's `bytes_to_unicode`.
 */
export const byteCharacters: readonly string[] = makeByteCharacters();

function makeByteCharacters(): string[] {
  let standIn = FIRST_STAND_IN;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : standIn++));
}

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}
