import { ThimbleError } from '../errors.js';
import type { MemoryExcess } from '../execution/MemoryRoom.js';

/** How large a run's pictures are, in pixels. */
export interface RunSides {
  readonly width: number;
  readonly height: number;
}

/** What of a run has no room. */
export interface RoomLack extends MemoryExcess {
  /** Such as `unet.call`. */
  readonly what: string;
}

/** What a run's sizes may be. */
export interface RoomSearch {
  /** Sides are multiples of it. */
  readonly step: number;
  /** The first part of a run that would have no room at a size; `undefined` where all have. */
  readonly lackAt: (sides: RunSides) => Promise<RoomLack | undefined>;
  readonly signal: AbortSignal;
}

/**
 * Refuses a run that the memory limit has no room for, before anything of it is computed. What is looked at lets others have their turn in between.
 *
 * @throws ERR_MEMORY_LIMIT with the need, the limit, and the largest size of this shape that has room; `signal.reason`
 */
export async function checkRoom(sides: RunSides, { step, lackAt, signal }: RoomSearch): Promise<void> {
  const lack = await lackAt(sides);
  if (lack === undefined) return;
  const fits = async (smaller: RunSides): Promise<boolean> => {
    signal.throwIfAborted();
    return (await lackAt(smaller)) === undefined;
  };
  const largest = await largestThatFits(sides, step, fits);
  const { what, ...excess } = lack;
  throw new ThimbleError('ERR_MEMORY_LIMIT', {
    ...excess,
    what: `${what} at ${describe(sides)}`,
    advice: `${largest === undefined ? 'No size of this shape fits' : `The largest of this shape that fits is ${describe(largest)}`}: make smaller pictures, or allow more memory.`,
    ...(largest === undefined ? {} : { largest: describe(largest) }),
  });
}

/** By halving: what is larger needs more. */
async function largestThatFits(
  { width, height }: RunSides,
  step: number,
  fits: (sides: RunSides) => Promise<boolean>,
): Promise<RunSides | undefined> {
  const steps = Math.max(width, height) / step;
  const sidesOf = (longest: number): RunSides => {
    const side = (length: number): number => Math.max(1, Math.floor((length * longest) / steps / step)) * step;
    return { width: side(width), height: side(height) };
  };
  let [fitting, tooLarge] = [0, steps];
  while (tooLarge - fitting > 1) {
    const middle = Math.floor((fitting + tooLarge) / 2);
    if (await fits(sidesOf(middle))) fitting = middle;
    else tooLarge = middle;
  }
  return fitting === 0 ? undefined : sidesOf(fitting);
}

function describe({ width, height }: RunSides): string {
  return `${width}×${height}`;
}
