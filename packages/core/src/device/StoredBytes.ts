import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileSystemError } from '../disk/fileSystemError.js';

/** Bytes that are read and written at positions. */
export interface StoredBytes {
  read(target: Uint8Array, position: number): void;
  write(source: Uint8Array, position: number): void;
  close(): void;
}

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

/** Bytes in a temporary file that has no name any more: the system removes it when it is closed, also by a crash. */
export class FileBytes implements StoredBytes {
  readonly #descriptor: number;
  readonly #folder: string;

  private constructor(descriptor: number, folder: string) {
    this.#descriptor = descriptor;
    this.#folder = folder;
  }

  /** @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS, ERR_DISK_FULL */
  static create(folder: string): FileBytes {
    const path = join(folder, `thimble-${process.pid}-${randomBytes(8).toString('hex')}`);
    try {
      const descriptor = openSync(path, 'wx+', 0o600);
      unlinkSync(path);
      return new FileBytes(descriptor, folder);
    } catch (error) {
      throw fileSystemError(error, folder, 'write');
    }
  }

  /** Throws a RangeError if the bytes were never written. */
  read(target: Uint8Array, position: number): void {
    for (let done = 0; done < target.length;) {
      const count = readSync(this.#descriptor, target, done, target.length - done, position + done);
      if (count === 0) throw new RangeError('rows that were not written are read');
      done += count;
    }
  }

  /** @throws ERR_DISK_FULL */
  write(source: Uint8Array, position: number): void {
    try {
      for (let done = 0; done < source.length;)
        done += writeSync(this.#descriptor, source, done, source.length - done, position + done);
    } catch (error) {
      throw fileSystemError(error, this.#folder, 'write');
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
