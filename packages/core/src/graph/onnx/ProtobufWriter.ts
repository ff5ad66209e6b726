/** Bytes that a nested message's length takes: a varint padded to this size, so that it can be filled in afterwards. */
const LENGTH_BYTES = 4;

/** Longer texts are written by the runtime; it takes longer to call than to write a name. */
const SHORT_TEXT = 100;

/**
 * Writes protocol buffers' wire format: varints, 32-bit floats and length-delimited fields. Nested messages are written in place, so
 * that a graph with thousands of them leaves no garbage.
 */
export class ProtobufWriter {
  #buffer = Buffer.allocUnsafeSlow(2 ** 14);
  #length = 0;

  /** A copy of the bytes written so far. */
  finish(): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#buffer, 0, this.#length);
  }

  /** An integer field; negative numbers are written as 64-bit two's complement, as protobuf's int64 is. */
  integer(field: number, value: number): this {
    this.#varint(field * 8);
    if (value >= 0) this.#varint(value);
    else this.#negative(value);
    return this;
  }

  /** A float field. */
  float(field: number, value: number): this {
    this.#varint(field * 8 + 5);
    this.#reserve(4);
    this.#length = this.#buffer.writeFloatLE(value, this.#length);
    return this;
  }

  /** A text field. */
  text(field: number, value: string): this {
    this.#varint(field * 8 + 2);
    if (value.length <= SHORT_TEXT && this.#ascii(value)) return this;
    const size = Buffer.byteLength(value);
    this.#varint(size);
    this.#reserve(size);
    this.#length += this.#buffer.write(value, this.#length, 'utf8');
    return this;
  }

  /** A field of raw bytes. */
  bytes(field: number, value: Uint8Array): this {
    this.#varint(field * 8 + 2);
    this.#varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** A nested message: what `write` writes. */
  message(field: number, write: () => void): this {
    this.#varint(field * 8 + 2);
    this.#reserve(LENGTH_BYTES);
    const start = this.#length;
    this.#length += LENGTH_BYTES;
    write();
    this.#fillLength(start, this.#length - start - LENGTH_BYTES);
    return this;
  }

  /** Writes a short text with its length if it is one of ASCII, and else nothing. */
  #ascii(value: string): boolean {
    const size = value.length;
    this.#reserve(size + 1);
    const buffer = this.#buffer;
    const start = this.#length + 1;
    for (let i = 0; i < size; i++) {
      const code = value.charCodeAt(i);
      if (code > 127) return false;
      buffer[start + i] = code;
    }
    buffer[start - 1] = size;
    this.#length = start + size;
    return true;
  }

  #fillLength(at: number, size: number): void {
    const buffer = this.#buffer;
    buffer[at] = (size & 127) | 128;
    buffer[at + 1] = ((size >>> 7) & 127) | 128;
    buffer[at + 2] = ((size >>> 14) & 127) | 128;
    buffer[at + 3] = size >>> 21;
  }

  #varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest > 127) {
      this.#buffer[this.#length++] = (rest % 128) + 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#length++] = rest;
  }

  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    this.#reserve(10);
    while (rest > 127n) {
      this.#buffer[this.#length++] = Number(rest & 127n) + 128;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#length + count));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
