import type { StoredBytes } from './StoredBytes.js';

/** Bytes in memory. */
export class MemoryBytes implements StoredBytes {
  #bytes: Uint8Array;

  constructor(length: number) {
    this.#bytes = new Uint8Array(length);
  }

  read(target: Uint8Array, position: number): void {
    target.set(this.#bytes.subarray(position, position + target.length));
  }

  write(source: Uint8Array, position: number): void {
    this.#bytes.set(source, position);
  }

  close(): void {
    this.#bytes = new Uint8Array();
  }
}
