/** Bytes that are read and written at positions. */
export interface StoredBytes {
  read(target: Uint8Array, position: number): void;
  write(source: Uint8Array, position: number): void;
  close(): void;
}
