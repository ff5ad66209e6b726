import { freemem } from 'node:os';
import type { ComponentSegment } from './ComponentSegment.js';

/** What of a segment {@link FirstRead} needs. */
export type ReadSegment = Pick<ComponentSegment, 'bytes' | 'prefetch'>;

/** Less than this is read in no time. */
const WORTH_READING = 64 * 2 ** 20;

/** Share of the free memory that weights may take: what pushes others out of the page cache would be read twice. */
const FREE_SHARE = 0.5;

/**
 * Reads weights of segments that run for the first time, in the order in which they run, beside the run: pages of a mapping come from a cold disk one fault after the other, which made the first step of Z-Image with
 * 12 GB of weights 50 s longer.
 */
export class FirstRead {
  readonly #ran = new WeakSet<ReadSegment>();
  readonly #free: () => number;

  /** `free`: bytes of memory that are free. */
  constructor(free: () => number = freemem) {
    this.#free = free;
  }

  /** Runs what computes loaded segments in their order. When it has ended nothing is read any more. @throws what `run` throws */
  async beside<T>(segments: readonly ReadSegment[], run: () => Promise<T>): Promise<T> {
    const fresh = segments.filter((segment) => !this.#ran.has(segment));
    for (const segment of fresh) this.#ran.add(segment);
    const bytes = fresh.reduce((sum, segment) => sum + segment.bytes, 0);
    if (bytes < WORTH_READING || bytes > FREE_SHARE * this.#free()) return run();
    const ended = new AbortController();
    const reading = readAll(fresh, ended.signal);
    try {
      return await run();
    } finally {
      ended.abort();
      await reading;
    }
  }
}

/** A hint may fail: the weights are read when they are needed. */
async function readAll(segments: readonly ReadSegment[], signal: AbortSignal): Promise<void> {
  try {
    for (const segment of segments) await segment.prefetch(signal);
  } catch {
    // Nothing else is read ahead.
  }
}
