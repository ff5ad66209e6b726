import { checkNumber } from '../fields/checkNumber.js';
import { refuseOption } from '../fields/refuseOption.js';
import { containerMemory } from './containerMemory.js';
import type { Allocator } from './DeviceOptions.js';
import { parseBytes } from './parseBytes.js';

const MB = 2 ** 20;

/** The least that a limit can be: a model of 0.7 MB takes both processes 75 MB within a hard limit, 92 MB without one (measured, anonymous). */
export const LEAST_MEMORY_LIMIT = 96 * MB;

/** What both processes take beside the values of a call, in bytes: 75 MB within a hard limit, up to 100 without one (measured). */
export const ENGINE_BYTES = 80 * MB;

/**
 * What the main process holds for a tensor in the headers of a model's files, in bytes: its header and name, its place in the graphs, and what the heap of V8 has beside what lives. Of the heap alone a tensor took 6 KB,
 * with SD 1.5, SDXL, FLUX.2 klein and Z-Image. Within 288 MB the main process held up to 98 MB with SDXL's 2641 tensors (67 in another run, until its UNet had passed), 75 with SD 1.5's 1130.
 */
const TENSOR_BYTES = 15 * 2 ** 10;

/** So many tensors are in {@link ENGINE_BYTES}: SD 1.5's. */
const ENGINE_TENSORS = 1130;

/** Bytes of a pixel as a picture: of one that is decoded, in memory and once more while it is written; of one that is encoded, as bytes and as floats. */
export const PICTURE_BYTES = { decode: 6, encode: 15 } as const;

/** What is left free of strips, beside a picture: both processes, and what a large model's graphs take. */
const BESIDE_STRIPS = 110 * MB;

/** Share of the rest that strips take: the other is for the page cache, and for what was not foreseen. Less than `least` is not worth planning for: a strip has two rows at least. */
const STRIPS = { share: 0.5, least: 24 * MB };

/** The same where the programs' own pages have hardly any room left: with 24 MB for strips within 160 MB decoding 512×512 held 117 MB, and took 53 s where a page that is missing brings 8 MB of its file along; with 14 MB 100, and 42 s. */
const TIGHTEST_STRIPS = { share: 0.3, least: 14 * MB };

/** Below this limit no more than so much, for what is held grows faster than strips do: 512×512 within 256 MB, in strips of 72 MB, held 208 to 236 MB, and in strips of 58 MB 166 to 186, in the same time. */
const MODEST_STRIPS = { below: 288 * MB, most: 58 * MB };

/** What one layer may take for itself at once where nothing is said: 32 MB. */
export const DEFAULT_TRANSIENT_BYTES = 32 * MB;

/** What a convolution may take for itself where there is no limit, or an ample one. */
export const FREE_CONVOLUTION_BYTES = 96 * MB;

/** From here on no value of a layer is large. */
const AMPLE = 8192 * MB;

/** Above this the speed of an allocator that keeps its memory is worth what it keeps. */
const ROOMY = 1024 * MB;

/** Below this every freed page counts. */
const TIGHT = 448 * MB;
/** Below this every page of the programs counts, and two buffers more are too much: a pass within 160 MB was killed with them, and completes without. */
const TIGHTEST = 176 * MB;

/** A VAE's values are so large that those which wait to be collected count. */
const VAE_SHARE = 1.3;

/** What is estimated is refused only where it is this much more than the limit: runs that were measured took 0.7 to 1.1 times as much. */
const TOLERANCE = 1.1;

/**
 * What is held at the most, to what was counted: the allocator keeps some of what is freed, and where it gives all back values die sooner than they are counted. Measured: SD 1.5's UNet, 414 MB of the
 * device's process, 300, 124 to 135 MB of both within 160 MB, 160 within 192; FLUX.2 klein's encoder within 1 GB 304 MB of the device's process, where 144 are counted; SD's VAE whole, 1267 MB within
 * 4 GB, with what the UNet left, on another machine 1103 to 1139; SDXL's in strips, 1251 MB within 2 GB, 782 within 1 GB, 433 within 512 MB; Z-Image's 721 within 1 GB. FLUX.2 klein's and Z-Image's transformers at 1024×1024 within 640 MB held 1.14 and 1.16 times what is counted, SD 1.5's UNet at
 * 1024×1024 within 512 MB 0.68 and 0.84. What was not measured lies between its neighbours. Rows that are written and
 * read ahead, past the page cache, are held beside the strips: SD 1.5's take 149 and 215 MB within 192 and 256.
 */
const HELD_SHARE: Readonly<Record<'values' | 'picture' | 'strips', Readonly<Record<Allocator, number>>>> = {
  values: { keep: 3, 'keep-small': 2.1, trim: 1.25, return: 0.75 },
  picture: { keep: 1.1, 'keep-small': 1.15, trim: 1.15, return: 1 },
  strips: { keep: 1.4, 'keep-small': 1.4, trim: 1.4, return: 1.4 },
};

/**
 * No more than this is held of a call's values, but what is counted: values of large pictures are blocks that an allocator under a limit gives back at once. Z-Image's transformer at 1024×1024, for which
 * 487 MB were counted before its heads were made some at a time, held 502 and 460 MB of the device's process, and 579 where a limit of 640 MB then killed it.
 */
const MOST_KEPT = 576 * MB;

/** No more than this is held of strips, but what was counted and {@link BESIDE_LARGE_STRIPS}. */
const MOST_KEPT_STRIPS = 656 * MB;

/**
 * What is held beside large strips, whose values are blocks that go back at once: SDXL's at 1024×1024 within 2 GB held 190 MB more than was counted, SD 1.5's, after its UNet, 120, and 180 within 4 GB, where the UNet is
 * said to leave 205.
 */
const BESIDE_LARGE_STRIPS = 100 * MB;

/**
 * Share of a call's values that stays with the allocator for the next call, beside the sessions that stay loaded, where small blocks are kept. Measured within 1 GB, with all models loaded: FLUX.2 klein's transformer 753
 * MB and its picture 944, where each by itself takes 607 and 711, and 180 MB are sessions; SD 1.5's picture 874 on one machine, 714 to 736 on another, where by itself it takes 706.
 */
const LEFT_SHARE = 0.2;

/**
 * What at the most stays with the allocator beside a picture where all but the largest blocks are kept, whole or in strips. Measured without a limit: SD 1.5 at 512×512, whose UNet held 470 to 500 MB, 1279 to 1607 MB of both processes, where 1053 are counted; four of them at once 4241, where
 * 4052 are; 1024×1024 4718, where 4053 are; FLUX.2 klein at 256×256 898, where 263 are and its transformer held 600, at 512×512 1796.
 */
const MOST_LEFT = 320 * MB;

/** Buffers that weights are read into, where they are read in parts: of the part that runs, and of the next one. */
const PART_BUFFERS = 2;

/** How many values of the size of the largest one a layer holds at once, at most. */
const VALUES_AT_ONCE = 4;

/** Share of the limit that one layer may take for itself: 8 MB of 192. */
const TRANSIENT_SHARE = 1 / 24;

/** Share of the limit from which on a value that waits for a later segment waits in a file; what is smaller than 32 MB does not. */
const PARKING_SHARE = 1 / 64;

/** The same where every page counts: of SDXL's skip connections three have 20 MB each, three 10. */
const TIGHT_PARKING_SHARE = 1 / 32;

/** Share of the limit up to which a model's weights are small: their pages have room, and are there in the next pass. A step of the demo, whose UNet has 13 MB, took 1.0 s within 256 MB where they were read in parts, for each part is a session, and takes 0.2. */
const SMALL_WEIGHTS_SHARE = 1 / 8;

/** How many times as large as a part a single weight may be, and what is read ahead of it. */
const LARGEST_WEIGHTS = 4;

/**
 * What follows from the memory that both processes together may take. Results are the same within float tolerance under any of them.
 */
export class MemoryBudget {
  /** In bytes; `undefined` = no limit. */
  readonly limit: number | undefined;

  constructor(limit?: number) {
    this.limit = limit;
  }

  /**
   * Reads a limit: bytes, or a text such as '192MB' (MB = 2^20 bytes), which a tighter limit of the container goes before; by default the container's, if there
   * is one; 'none' = no limit whatever the container says.
   *
   * @throws ERR_ARGUMENT_INVALID for what is no size, or less than {@link LEAST_MEMORY_LIMIT}
   */
  static of(limit: number | string | undefined, container: number | undefined = containerMemory()): MemoryBudget {
    if (limit === 'none') return new MemoryBudget();
    if (container !== undefined) checkNumber('container', container, 0);
    const asked = limit === undefined ? undefined : parseBytes(limit, 'memoryLimit', ", or 'none'");
    const tightest = Math.min(asked ?? Infinity, container ?? Infinity);
    if (tightest < LEAST_MEMORY_LIMIT) {
      const whose = asked === tightest ? '' : ", which is the container's limit; give it more, or 'none' to try";
      refuseOption(
        'memoryLimit',
        asked === tightest ? limit : tightest,
        `at least ${LEAST_MEMORY_LIMIT / MB}MB, which an empty pipeline takes${whose}`,
      );
    }
    return new MemoryBudget(tightest === Infinity ? undefined : tightest);
  }

  /** What a layer may take for itself at once: the scores of a piece of attention, a widened weight, the hidden features of a feed-forward. */
  get transientBytes(): number {
    if (this.limit === undefined) return DEFAULT_TRANSIENT_BYTES;
    return Math.min(DEFAULT_TRANSIENT_BYTES, Math.max(4 * MB, Math.floor(this.limit * TRANSIENT_SHARE)));
  }

  /** Where pages of mapped weights have no room, and the buffers that they are read into have, weights are read in parts: bytes of one, and of the largest weight. */
  get weightParts(): { readonly partBytes: number; readonly largestBytes: number } | undefined {
    if (this.limit === undefined || this.limit >= TIGHT || this.limit < TIGHTEST) return undefined;
    return { partBytes: this.transientBytes, largestBytes: LARGEST_WEIGHTS * this.transientBytes };
  }

  /** The same for a model whose weights take so many bytes: small ones stay mapped. */
  weightPartsOf(weightBytes: number): MemoryBudget['weightParts'] {
    const isSmall = this.limit !== undefined && weightBytes <= this.limit * SMALL_WEIGHTS_SHARE;
    return isSmall ? undefined : this.weightParts;
  }

  /**
   * What Winograd's algorithm may take for one convolution at once. Under a limit no more than any layer, by which it is planned whether a call has room; below 1 GB nothing: within 512 MB a pass of SD 1.5's
   * UNet held 110 MB more with it, so that a picture was killed, for a tenth of a pass's time.
   */
  get convolutionBytes(): number {
    if (this.limit === undefined || this.limit >= AMPLE) return FREE_CONVOLUTION_BYTES;
    return this.limit < ROOMY ? 0 : this.transientBytes;
  }

  /** Whether there is room for the sessions of a component while another one computes. */
  get loadsAhead(): boolean {
    return this.limit === undefined || this.limit >= ROOMY;
  }

  /** What the allocator does with freed memory. */
  get allocator(): Allocator {
    if (this.limit === undefined || this.limit >= AMPLE) return 'keep';
    if (this.limit >= ROOMY) return 'keep-small';
    return this.limit >= TIGHT ? 'trim' : 'return';
  }

  /** From how many bytes on a value that waits for a later segment is kept in a file. */
  get parkingBytes(): number {
    if (this.limit === undefined) return Infinity;
    return this.limit < TIGHT ? this.limit * TIGHT_PARKING_SHARE : Math.max(32 * MB, this.limit * PARKING_SHARE);
  }

  /** What the strips of a picture of so many pixels that is decoded or encoded, and what lies between two passes over them, may take in memory. */
  stripBytes(pixels: number, entry: keyof typeof PICTURE_BYTES = 'decode'): number {
    if (this.limit === undefined) return Infinity;
    const left = this.limit - BESIDE_STRIPS - pixels * PICTURE_BYTES[entry];
    const { share, least } = this.limit < TIGHTEST ? TIGHTEST_STRIPS : STRIPS;
    const most = this.limit < MODEST_STRIPS.below ? MODEST_STRIPS.most : Infinity;
    return Math.min(most, Math.max(least, Math.floor(left * share)));
  }

  /** About what both processes take while an entry point computes whose values take `valueBytes` ({@link EntryTrace.valueBytes}). */
  neededBytes(valueBytes: number, entry: string): number {
    return ENGINE_BYTES + Math.round(isVae(entry) ? valueBytes * VAE_SHARE : valueBytes);
  }

  /** Whether the limit has room for an entry point that takes so much: for a picture as a whole, if it has room for what is held then. */
  hasRoom(neededBytes: number, entry: string): boolean {
    if (this.limit === undefined) return true;
    if (!isVae(entry)) return neededBytes <= this.limit * TOLERANCE;
    return this.peakBytes(neededBytes, 'picture') + this.leftBytes(Infinity, 'picture') <= this.limit;
  }

  /** What the main process holds beside {@link ENGINE_BYTES} for a pipeline whose models have so many tensors. @throws ERR_ARGUMENT_INVALID for what is no number from 0 on */
  static tensorBytes(tensors: number): number {
    checkNumber('tensors', tensors, 0);
    return TENSOR_BYTES * Math.max(0, tensors - ENGINE_TENSORS);
  }

  /** What both processes hold at their most where so much is counted ({@link MemoryBudget.neededBytes}, {@link PlannedPicture}): for the values of a call, for a picture whole, or in strips. */
  peakBytes(neededBytes: number, of: keyof typeof HELD_SHARE): number {
    // A VAE's strips are lowered as parts of one graph, whose weights stay mapped.
    const buffers = of === 'values' ? PART_BUFFERS * (this.weightParts?.partBytes ?? 0) : 0;
    const counted = neededBytes - ENGINE_BYTES;
    const kept = counted * HELD_SHARE[of][this.allocator];
    return Math.round(ENGINE_BYTES + Math.min(kept, this.#mostHeld(counted, of)) + buffers);
  }

  #mostHeld(counted: number, of: keyof typeof HELD_SHARE): number {
    if (of === 'picture' || (this.allocator === 'keep' && of === 'values')) return Infinity;
    return of === 'strips' ? Math.max(counted + BESIDE_LARGE_STRIPS, MOST_KEPT_STRIPS) : Math.max(counted, MOST_KEPT);
  }

  /** What of a call whose peak that was the next one finds taken, if its sessions stay loaded: the next call of a model (the default), a picture whole, or in strips. */
  leftBytes(peakBytes: number, next: keyof typeof HELD_SHARE = 'values'): number {
    const held = Math.max(0, peakBytes - ENGINE_BYTES);
    if (this.allocator === 'keep') return next === 'values' ? 0 : Math.min(held, MOST_LEFT);
    // A whole picture's large values are blocks of their own, and its small ones lie in what was left: SD 1.5's took no more after a UNet that had left 200 MB.
    return this.allocator === 'keep-small' && next !== 'picture' ? Math.round(held * LEFT_SHARE) : 0;
  }

  /** How many samples of a batch are computed at once, if the largest value of one has `bytes`: one where the activations of several might not fit. */
  maxBatch(bytes: number): number {
    if (this.limit === undefined) return Infinity;
    return this.limit < ROOMY ? 1 : Math.max(1, Math.floor(this.limit / (VALUES_AT_ONCE * bytes)));
  }
}

function isVae(entry: string): boolean {
  return entry === 'decode' || entry === 'encode';
}
