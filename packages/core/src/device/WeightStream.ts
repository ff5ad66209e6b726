import type { FileRange } from './FileRange.js';
import { DIRECT_UNIT, wholeUnits } from './directAccess.js';
import { DirectFile } from './DirectFile.js';
import type { StreamedWeight } from './OnnxModel.js';

/** Buffers that are kept: of the part that runs, and of the next one. */
const SLOTS = 2;

/** Bytes between two weights that are read along with them. */
const NEAR = 2 ** 16;

/** Up to this size a buffer is used for less as well. */
const SMALL = 2 ** 24;

/** Bytes of a file in a buffer. */
interface Extent extends FileRange {
  /** Where they begin in the buffer. */
  readonly at: number;
  /** Bytes at the end that nobody asked for, and that the file may not have. */
  readonly spare: number;
}

/** A buffer, and what is read into it. */
interface Slot {
  readonly bytes: Uint8Array;
  /** Of which weights; empty if they could not be read. */
  key: string;
  extents: readonly Extent[];
  done: Promise<void>;
  /** How many runs look at it now. */
  users: number;
  /** When it was asked for last. */
  used: number;
}

/** Weights in memory, until disposed. */
export interface StreamedPart extends Disposable {
  /** Where the bytes of one of them are. */
  bytesOf(weight: FileRange): Uint8Array;
}

const NOTHING: StreamedPart = { bytesOf: () => new Uint8Array(), [Symbol.dispose]: () => undefined };

/** What a {@link WeightStream} works with. */
export interface WeightStreamParts {
  /** Bytes that its buffers may have together before nothing more is read ahead. */
  readonly window: number;
  /** Told of a buffer that is not used any more. */
  readonly onDrop: (byteLength: number) => void;
}

/**
 * Reads weights from their files into a few buffers that are used again and again. What is announced is read on other threads while the runtime computes on this one.
 * Nothing of it goes through the page cache, which so keeps the programs' own pages, and from which no memory has to be taken back.
 */
export class WeightStream {
  readonly #parts: WeightStreamParts;
  readonly #files = new Map<string, DirectFile>();
  #slots: Slot[] = [];
  #clock = 0;

  constructor(parts: WeightStreamParts) {
    this.#parts = parts;
  }

  /** Begins to read weights that will be asked for, if there is room. */
  announce(weights: readonly StreamedWeight[]): void {
    if (weights.length === 0 || this.#known(weights) !== undefined) return;
    const taken = this.#slots.reduce((sum, { users, bytes }) => sum + (users > 0 ? bytes.length : 0), 0);
    if (taken + sizeOf(layOut(weights)) > this.#parts.window) return;
    try {
      this.#find(weights).done.catch(() => undefined);
    } catch {
      // Who asks for them is told what failed.
    }
  }

  /** Weights, once they are read. @throws ERR_FILE_NOT_FOUND, ERR_FILE_ACCESS */
  async take(weights: readonly StreamedWeight[]): Promise<StreamedPart> {
    if (weights.length === 0) return NOTHING;
    const slot = this.#find(weights);
    slot.users++;
    try {
      await slot.done;
    } catch (error) {
      slot.users--;
      throw error;
    }
    return {
      bytesOf: (range) => bytesIn(slot, range),
      [Symbol.dispose]: () => {
        slot.users--;
      },
    };
  }

  /** Lets go of everything, once what is being read is read. */
  async clear(): Promise<void> {
    await Promise.allSettled(this.#slots.map(({ done }) => done));
    this.#slots = [];
    for (const file of this.#files.values()) file[Symbol.dispose]();
    this.#files.clear();
  }

  #known(weights: readonly StreamedWeight[]): Slot | undefined {
    const key = keyOf(weights);
    return this.#slots.find((slot) => slot.key === key);
  }

  /** The slot that holds these weights, or will. */
  #find(weights: readonly StreamedWeight[]): Slot {
    const slot = this.#known(weights) ?? this.#fill(weights);
    slot.used = ++this.#clock;
    return slot;
  }

  #fill(weights: readonly StreamedWeight[]): Slot {
    const extents = layOut(weights);
    const slot = this.#free(sizeOf(extents), extents);
    const before = slot.done;
    slot.key = keyOf(weights);
    slot.extents = extents;
    slot.done = this.#read(slot, before);
    return slot;
  }

  async #read(slot: Slot, before: Promise<void>): Promise<void> {
    const { bytes, extents } = slot;
    try {
      // What was announced and never asked for may be on its way there still.
      await before.catch(() => undefined);
      await Promise.all(
        extents.map(async ({ file, offset, byteLength, at, spare }) =>
          this.#file(file).read(bytes.subarray(at, at + byteLength), offset, spare),
        ),
      );
    } catch (error) {
      slot.key = '';
      throw error;
    }
  }

  /** A slot that nobody looks at, and that is large enough: the one that was asked for longest ago, with another buffer if its own does not suit. */
  #free(byteLength: number, [extent]: readonly Extent[]): Slot {
    const idle = this.#slots.filter(({ users }) => users === 0).toSorted((a, b) => a.used - b.used);
    const [oldest] = idle;
    if (this.#slots.length < SLOTS || oldest === undefined) return this.#add(byteLength, extent as Extent);
    const suits = byteLength <= oldest.bytes.length && oldest.bytes.length <= Math.max(SMALL, 2 * byteLength);
    if (suits) return oldest;
    this.#slots = this.#slots.filter((slot) => slot !== oldest);
    this.#parts.onDrop(oldest.bytes.length);
    return this.#add(byteLength, extent as Extent);
  }

  #add(byteLength: number, { file }: Extent): Slot {
    const bytes = this.#file(file).buffer(byteLength);
    const slot = { bytes, key: '', extents: [], done: Promise.resolve(), users: 0, used: 0 };
    this.#slots.push(slot);
    return slot;
  }

  #file(path: string): DirectFile {
    const known = this.#files.get(path);
    if (known !== undefined) return known;
    const opened = new DirectFile(path);
    this.#files.set(path, opened);
    return opened;
  }
}

function keyOf(weights: readonly StreamedWeight[]): string {
  return weights.map(({ file, offset, byteLength }) => `${offset}+${byteLength} ${file}`).join();
}

/** Ranges of files in the order in which they lie there, those that are near each other in one. */
function layOut(weights: readonly StreamedWeight[]): readonly Extent[] {
  const sorted = weights.toSorted((a, b) => (a.file === b.file ? a.offset - b.offset : a.file < b.file ? -1 : 1));
  const joined: { file: string; start: number; end: number }[] = [];
  for (const { file, offset, byteLength } of sorted) {
    const last = joined.at(-1);
    if (last?.file === file && offset - last.end <= NEAR) last.end = Math.max(last.end, offset + byteLength);
    else joined.push({ file, start: offset, end: offset + byteLength });
  }
  let at = 0;
  return joined.map(({ file, start, end }) => {
    const offset = Math.floor(start / DIRECT_UNIT) * DIRECT_UNIT;
    const byteLength = wholeUnits(end - offset);
    const extent = { file, offset, byteLength, at, spare: offset + byteLength - end };
    at += byteLength;
    return extent;
  });
}

function sizeOf(extents: readonly Extent[]): number {
  return extents.reduce((sum, { byteLength }) => sum + byteLength, 0);
}

function bytesIn({ bytes, extents }: Slot, { file, offset, byteLength }: FileRange): Uint8Array {
  const extent = extents.find(
    (one) => one.file === file && one.offset <= offset && offset + byteLength <= one.offset + one.byteLength,
  ) as Extent;
  const start = extent.at + offset - extent.offset;
  return bytes.subarray(start, start + byteLength);
}
