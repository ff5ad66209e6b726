/** Units of the trie are 32 bits: a label, a flag for what ends here, and the way on. */
const LEAF = 0x100;
const LABEL = 0x800000ff;
const VALUE = 0x7fffffff;
const EXTENDED = 0x200;
const LONGEST_CLUSTER = 6;

/**
 * The normalisation that a sentencepiece model was trained with: a double-array trie of UTF-8 texts, and what each becomes.
 *
 * Applied as Hugging Face's tokenizers do: to short clusters of characters (a letter with its accents) as a whole, else to each character; the
 * shortest entry that the text begins with counts. Source: sentencepiece `normalizer.cc`; tokenizers `spm_precompiled`.
 */
export class PrecompiledCharsmap {
  readonly #trie: Uint32Array;
  /** Texts that end with a null byte, one after the other. */
  readonly #texts: Buffer;
  readonly #clusters = new Intl.Segmenter('und', { granularity: 'grapheme' });

  private constructor(trie: Uint32Array, texts: Buffer) {
    this.#trie = trie;
    this.#texts = texts;
  }

  /** Reads `precompiled_charsmap`; undefined if it is damaged. */
  static read(bytes: Uint8Array): PrecompiledCharsmap | undefined {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (buffer.length < 4) return undefined;
    const size = buffer.readUInt32LE(0);
    if (size % 4 !== 0 || size === 0 || size + 4 > buffer.length) return undefined;
    const trie = Uint32Array.from({ length: size / 4 }, (_, i) => buffer.readUInt32LE(4 + 4 * i));
    return new PrecompiledCharsmap(trie, Buffer.from(buffer.subarray(4 + size)));
  }

  normalize(text: string): string {
    let result = '';
    for (const { segment } of this.#clusters.segment(text)) {
      const whole = Buffer.byteLength(segment) < LONGEST_CLUSTER ? this.#find(segment) : undefined;
      if (whole !== undefined) result += whole;
      else for (const character of segment) result += this.#find(character) ?? character;
    }
    return result;
  }

  /** What the shortest entry that `text` begins with becomes. */
  #find(text: string): string | undefined {
    let at = offsetOf(this.#trie[0] as number);
    for (const byte of Buffer.from(text)) {
      at ^= byte;
      const unit = this.#trie[at];
      if (unit === undefined || (unit & LABEL) >>> 0 !== byte) return undefined;
      at ^= offsetOf(unit);
      if ((unit & LEAF) !== 0) return this.#textAt((this.#trie[at] as number) & VALUE);
    }
    return undefined;
  }

  #textAt(start: number): string {
    return this.#texts.toString('utf8', start, this.#texts.indexOf(0, start));
  }
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & EXTENDED) >>> 6);
}
