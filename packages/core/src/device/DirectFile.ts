import { closeSync, constants, openSync } from 'node:fs';
import { fileSystemError, systemErrorCode } from '../disk/fileSystemError.js';
import { alignedBytes, DIRECT_FLAG, readAt, takesUnit } from './directAccess.js';

/** What is read at once: several threads share what is longer. */
const PIECE = 2 ** 20;

/** A file that is read past the page cache, where that is possible: what is read once and soon again from the disk would only push out what is needed. */
export class DirectFile implements Disposable {
  readonly #path: string;
  #descriptor: number;
  #direct = DIRECT_FLAG !== 0;

  /** @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS */
  constructor(path: string) {
    this.#path = path;
    this.#descriptor = this.#open();
  }

  /**
   * Fills `target` from `position` on, on the thread pool, piece by piece at the same time; both are multiples of {@link DIRECT_UNIT}, as is the address of `target`.
   * The last `spare` bytes may lie beyond the end of the file.
   *
   * @throws ERR_FILE_ACCESS
   */
  async read(target: Uint8Array, position: number, spare: number): Promise<void> {
    const pieces: Promise<void>[] = [];
    for (let at = 0; at < target.length; at += PIECE) {
      const piece = target.subarray(at, at + PIECE);
      const needed = Math.min(piece.length, Math.max(0, target.length - spare - at));
      pieces.push(this.#readPiece(piece, position + at, needed));
    }
    await Promise.all(pieces);
  }

  /** A buffer that this file can be read into. */
  buffer(byteLength: number): Uint8Array {
    return alignedBytes(byteLength, (unit) => !this.#direct || takesUnit(this.#descriptor, unit));
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }

  async #readPiece(target: Uint8Array, position: number, needed: number): Promise<void> {
    for (let done = 0; done < needed;) {
      const count = await this.#readSome(target.subarray(done), position + done);
      if (count === 0) throw fileSystemError(ENDED, this.#path, 'read');
      done += count;
    }
  }

  async #readSome(target: Uint8Array, position: number): Promise<number> {
    try {
      return await readAt(this.#descriptor, target, position);
    } catch (error) {
      if (!this.#direct || systemErrorCode(error) !== 'EINVAL') throw fileSystemError(error, this.#path, 'read');
      this.#useCache();
      return this.#readSome(target, position);
    }
  }

  /** The file system, or the disk, asks for more than this knows of. */
  #useCache(): void {
    this.#direct = false;
    closeSync(this.#descriptor);
    this.#descriptor = this.#open();
  }

  #open(): number {
    try {
      return openSync(this.#path, constants.O_RDONLY | (this.#direct ? DIRECT_FLAG : 0));
    } catch (error) {
      if (!this.#direct || systemErrorCode(error) !== 'EINVAL') throw fileSystemError(error, this.#path, 'read');
      this.#direct = false;
      return this.#open();
    }
  }
}

/** What stands for a file that has become shorter. */
const ENDED = Object.assign(new Error('the file has ended'), { code: 'EIO' });
