import { constants, read, readSync } from 'node:fs';
import { promisify } from 'node:util';

/** Where the system reads and writes past its page cache, positions, lengths and addresses are multiples of this. */
export const DIRECT_UNIT = 4096;

/** The flag with which a file is opened for that. Linux alone has it: elsewhere 0. */
export const DIRECT_FLAG: number = (constants as { readonly O_DIRECT?: number }).O_DIRECT ?? 0;

/** Where a page may begin in an array's memory; glibc's allocator writes 16 bytes before large ones. */
const OFFSETS = [DIRECT_UNIT - 16, ...Array.from({ length: DIRECT_UNIT / 16 }, (_, i) => i * 16)];

/** Memory whose address suits: where an array's begins is not said, so it is tried. `accepts`: whether the system takes a unit of memory as it lies. */
export function alignedBytes(byteLength: number, accepts: (unit: Uint8Array) => boolean): Uint8Array {
  const memory = new Uint8Array(byteLength + DIRECT_UNIT);
  const from = OFFSETS.find((offset) => accepts(memory.subarray(offset, offset + DIRECT_UNIT))) ?? 0;
  return memory.subarray(from, from + byteLength);
}

/** What a length takes where it is rounded up to whole units. */
export function wholeUnits(byteLength: number): number {
  return Math.ceil(byteLength / DIRECT_UNIT) * DIRECT_UNIT;
}

/** Whether a file can be read into a unit of memory as it lies. */
export function takesUnit(descriptor: number, unit: Uint8Array): boolean {
  try {
    readSync(descriptor, unit, 0, unit.length, 0);
    return true;
  } catch {
    return false;
  }
}

const readBytes = promisify(read);

/** Reads into `target` from `position` on, on the thread pool. @returns how many bytes were read. @throws what the system says */
export async function readAt(descriptor: number, target: Uint8Array, position: number): Promise<number> {
  const { bytesRead } = await readBytes(descriptor, target, 0, target.length, position);
  return bytesRead;
}
