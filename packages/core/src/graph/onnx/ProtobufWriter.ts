/** Writes protocol buffers' wire format: varints, fixed 32-bit floats and length-delimited fields. */
export class ProtobufWriter {
  // Small: a graph has thousands of nested messages, and Node takes buffers of this size from a pool.
  #buffer = Buffer.allocUnsafe(96);
  #length = 0;

  /** The bytes written so far. */
  finish(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  /** An integer field; negative numbers are written as 64-bit two's complement, as protobuf's int64 is. */
  integer(field: number, value: number | bigint): this {
    this.#varint(BigInt(field << 3));
    this.#varint(BigInt.asUintN(64, BigInt(value)));
    return this;
  }

  /** A float field. */
  float(field: number, value: number): this {
    this.#varint(BigInt((field << 3) | 5));
    this.#reserve(4);
    this.#buffer.writeFloatLE(value, this.#length);
    this.#length += 4;
    return this;
  }

  /** A length-delimited field: text, bytes or a nested message. */
  bytes(field: number, value: string | Uint8Array | ProtobufWriter): this {
    const data = value instanceof ProtobufWriter ? value.finish() : typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
    this.#varint(BigInt((field << 3) | 2));
    this.#varint(BigInt(data.length));
    this.#reserve(data.length);
    this.#buffer.set(data, this.#length);
    this.#length += data.length;
    return this;
  }

  #varint(value: bigint): void {
    this.#reserve(10);
    let rest = value;
    while (rest > 127n) {
      this.#buffer[this.#length++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#buffer[this.#length++] = Number(rest);
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#length + count));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}
