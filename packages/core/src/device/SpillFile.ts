import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, unlinkSync, write, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileSystemError } from '../disk/fileSystemError.js';
import { alignedBytes, DIRECT_FLAG, DIRECT_UNIT, readAt, takesUnit, wholeUnits } from './directAccess.js';

const writeBytes = promisify(write);

/** Records from this size on are worth whole units: smaller ones would be mostly padding. */
const WORTH_UNITS = 4 * DIRECT_UNIT;

const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;

/**
 * A temporary file of records that has no name any more: the system removes it when it is closed, also by a crash. It is read and written past the page cache where
 * that is possible: under a memory limit pages that wait for the disk would keep others from what they need.
 */
export class SpillFile implements Disposable {
  /** Bytes from one record to the next. */
  readonly stride: number;
  readonly #descriptor: number;
  readonly #folder: string;
  readonly #direct: boolean;

  private constructor(folder: string, descriptor: number, { stride, direct }: { stride: number; direct: boolean }) {
    this.#folder = folder;
    this.#descriptor = descriptor;
    this.stride = stride;
    this.#direct = direct;
  }

  /** `record`: bytes of one. @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS, ERR_DISK_FULL */
  static create(folder: string, record: number): SpillFile {
    if (DIRECT_FLAG !== 0 && record >= WORTH_UNITS) {
      const direct = SpillFile.#createDirect(folder, wholeUnits(record));
      if (direct !== undefined) return direct;
    }
    try {
      return new SpillFile(folder, openUnnamed(folder, FLAGS), { stride: record, direct: false });
    } catch (error) {
      throw fileSystemError(error, folder, 'write');
    }
  }

  /** `undefined` on a file system that cannot do it. */
  static #createDirect(folder: string, stride: number): SpillFile | undefined {
    let descriptor: number;
    try {
      descriptor = openUnnamed(folder, FLAGS | DIRECT_FLAG);
    } catch {
      return undefined;
    }
    try {
      const writes = (unit: Uint8Array): boolean => succeeds(() => writeSync(descriptor, unit, 0, DIRECT_UNIT, 0));
      writeSync(descriptor, alignedBytes(DIRECT_UNIT, writes), 0, DIRECT_UNIT, 0);
      return new SpillFile(folder, descriptor, { stride, direct: true });
    } catch {
      closeSync(descriptor);
      return undefined;
    }
  }

  /** A buffer that can be read and written. */
  buffer(byteLength: number): Uint8Array {
    if (!this.#direct) return new Uint8Array(byteLength);
    return alignedBytes(byteLength, (unit) => takesUnit(this.#descriptor, unit));
  }

  /** On the thread pool. Rejects with a RangeError if the bytes were never written. */
  async read(target: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < target.length;) {
      const count = await readAt(this.#descriptor, target.subarray(done), position + done).catch((error: unknown) => {
        throw fileSystemError(error, this.#folder, 'read');
      });
      if (count === 0) throw new RangeError('rows that were not written are read');
      done += count;
    }
  }

  /** On the thread pool. @throws ERR_DISK_FULL */
  async write(source: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < source.length;) {
      const { bytesWritten } = await writeBytes(
        this.#descriptor,
        source,
        done,
        source.length - done,
        position + done,
      ).catch((error: unknown) => {
        throw fileSystemError(error, this.#folder, 'write');
      });
      done += bytesWritten;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}

function succeeds(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch {
    return false;
  }
}

function openUnnamed(folder: string, flags: number): number {
  const path = join(folder, `thimble-${process.pid}-${randomBytes(8).toString('hex')}`);
  const descriptor = openSync(path, flags, 0o600);
  unlinkSync(path);
  return descriptor;
}
