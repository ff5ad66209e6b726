/** Bytes that a nested message's length takes: a varint padded to this size, so that it can be filled in afterwards. */
const LENGTH_BYTES = 4;

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
    const size = Buffer.byteLength(value);
    this.#varint(field * 8 + 2);
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

  #fillLength(at: number, size: number): void {
    for (let i = 0; i < LENGTH_BYTES; i++) {
      const more = i < LENGTH_BYTES - 1 ? 128 : 0;
      this.#buffer[at + i] = (Math.floor(size / 128 ** i) % 128) + more;
    }
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
