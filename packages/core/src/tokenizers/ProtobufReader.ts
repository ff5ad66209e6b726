const [VARINT, FIXED64, BYTES, FIXED32] = [0, 1, 2, 5];

/** Reads the fields of a Protocol Buffers message, one after the other. Throws a RangeError where the bytes are none. */
export class ProtobufReader {
  readonly #bytes: Buffer;
  #at = 0;
  #wire = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The number of the next field; undefined at the end. Its value has to be read or skipped. */
  next(): number | undefined {
    if (this.#at >= this.#bytes.length) return undefined;
    const tag = this.#varint();
    this.#wire = tag % 8;
    return Math.floor(tag / 8);
  }

  /** A whole number. */
  integer(): number {
    this.#expect(VARINT);
    return this.#varint();
  }

  float(): number {
    this.#expect(FIXED32);
    this.#at += 4;
    return this.#bytes.readFloatLE(this.#at - 4);
  }

  /** Bytes, a text or a message; a view. */
  bytes(): Buffer {
    this.#expect(BYTES);
    const length = this.#varint();
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError('a field does not end');
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  skip(): void {
    if (this.#wire === VARINT) this.#varint();
    else if (this.#wire === BYTES) this.bytes();
    else if (this.#wire === FIXED32) this.#at += 4;
    else if (this.#wire === FIXED64) this.#at += 8;
    else throw new RangeError(`wire type ${this.#wire}`);
  }

  #expect(wire: number): void {
    if (this.#wire !== wire) throw new RangeError(`wire type ${this.#wire} where ${wire} is expected`);
  }

  #varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined || factor > 2 ** 63) throw new RangeError('a number does not end');
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  }
}
