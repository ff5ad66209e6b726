/** A program reads few values at once; more buffers would be those of sizes that do not come again. */
const MOST = 4;

/** Buffers that are used again for what has the same size: fresh ones would have to be faulted in, and wait for the garbage collector. */
export class ScratchBuffers {
  #free: ArrayBuffer[] = [];

  /** A buffer of that many bytes, with whatever is in it. */
  take(byteLength: number): ArrayBuffer {
    const at = this.#free.findIndex((buffer) => buffer.byteLength === byteLength);
    return (at < 0 ? undefined : this.#free.splice(at, 1)[0]) ?? new ArrayBuffer(byteLength);
  }

  /** Takes a buffer back that nobody looks at any more. */
  give(buffer: ArrayBuffer): void {
    this.#free.push(buffer);
    if (this.#free.length > MOST) this.#free.shift();
  }

  /** Lets go of all. */
  clear(): void {
    this.#free = [];
  }
}
