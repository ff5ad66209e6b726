/**
 * Memory for the pieces of tensors that are read one after the other. Of a whole checkpoint, buffers of each tensor's own would be garbage faster than it is collected: 60 MB of it. What is
 * given is overwritten by what is given next.
 */
export class PieceBuffers {
  #bytes = new Uint8Array(0);
  #values = new Float32Array(0);
  #codes = new Uint8Array(0);

  /** For so many bytes as they are stored, from the start of their buffer. */
  bytes(length: number): Uint8Array {
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length);
    return this.#bytes.subarray(0, length);
  }

  /** For so many of their values. */
  values(length: number): Float32Array {
    if (this.#values.length < length) this.#values = new Float32Array(length);
    return this.#values.subarray(0, length);
  }

  /** For so many bytes of what is made of them, from the start of their buffer. */
  codes(length: number): Uint8Array {
    if (this.#codes.length < length) this.#codes = new Uint8Array(length);
    return this.#codes.subarray(0, length);
  }
}
