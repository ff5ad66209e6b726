/** Buffers that are used again for what has the same size: fresh ones would have to be faulted in, and wait for the garbage collector. */
export class ScratchBuffers {
  readonly #free = new Map<number, ArrayBuffer[]>();

  /** A buffer of that many bytes, with whatever is in it. */
  take(byteLength: number): ArrayBuffer {
    return this.#free.get(byteLength)?.pop() ?? new ArrayBuffer(byteLength);
  }

  /** Takes a buffer back that nobody looks at any more. */
  give(buffer: ArrayBuffer): void {
    const known = this.#free.get(buffer.byteLength);
    if (known === undefined) this.#free.set(buffer.byteLength, [buffer]);
    else known.push(buffer);
  }

  /** Lets go of all. */
  clear(): void {
    this.#free.clear();
  }
}
