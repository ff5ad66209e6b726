import type { MemoryBudget } from '@thimble/core/plugin';
import type { CallPeak } from '../memory/peakOf.js';
import type { Setup } from '../techniques/Setup.js';
import type { MachineSpeed } from './MachineSpeed.js';

/** What a plan's time follows from. */
export interface TimeParts {
  readonly setup: Setup;
  readonly budget: MemoryBudget;
  readonly speed: MachineSpeed;
  /** Bytes that the page cache has, beside what the processes take. */
  readonly cacheBytes: number;
}

/** How many times as long an operation takes as one of a plain product of matrices (measured with SD 1.5's UNet and VAE). */
const COST = { linear: 1, convolution: 1.05, chunkedAttention: 1.6, fusedAttention: 1.15 };

/** Multiplications that take as long as one element takes that is made and read again. */
const ELEMENT_COST = 8;

/** Multiplications that take as long as widening one weight. */
const WIDENING_COST = 40;

/** Share of the products that are computed in int8, of those that can be. */
const INT8_SHARE = 0.92;

/** What the allocator adds where freed memory goes back to the system: SD 1.5's UNet takes 4.6 s, 5.1, 5.8 and 6.6. */
const ALLOCATOR_FACTOR = { keep: 1, 'keep-small': 1.08, trim: 1.22, return: 1.4 } as const;

/** Strips compute their edges twice, and the sums of normalisations first. */
const STRIP_FACTOR = 1.3;

/** Tiles that overlap by a quarter. */
const TILE_FACTOR = 1.6;

/** Seconds to make a session of a segment. */
const SESSION_SECONDS = 0.005;

/** Seconds that a call takes, all its repetitions together; weights come from the disk once, and again in each repetition where the page cache cannot hold them. */
export function secondsOf({ call, strips }: CallPeak, { setup, budget, speed, cacheBytes }: TimeParts): number {
  const { facts, samples, times } = call;
  const int8 = setup.compute === 'int8' && call.kind !== 'encoder';
  const { linear, convolution, attention, elements } = facts.operations;
  const products = linear * COST.linear + convolution * COST.convolution;
  const inInt8 = int8 ? INT8_SHARE : 0;
  const scores = attention * (setup.attention === 'fused' || int8 ? COST.fusedAttention : COST.chunkedAttention);
  const sample =
    (products * (1 - inInt8) + scores + elements * ELEMENT_COST) / speed.float32 + (products * inInt8) / speed.int8;
  const widening = ((int8 ? 0 : facts.weights.narrow) * WIDENING_COST) / speed.float32;
  const way =
    strips === undefined ? (setup.decoding === 'blended' && call.kind === 'decoder' ? TILE_FACTOR : 1) : STRIP_FACTOR;
  const computing = (sample * samples * way + widening) * ALLOCATOR_FACTOR[budget.allocator];
  const sessions = facts.segments * SESSION_SECONDS;
  const bytes = storedBytes(facts.weights, setup, call.kind);
  const again = bytes > cacheBytes ? times - 1 : 0;
  const disk = (bytes * (1 + again) + (strips?.trafficBytes ?? 0) * samples) / speed.read;
  return computing * times + sessions * (setup.residency === 'segment' ? times : 1) + disk;
}

/** Bytes of a model's weights as they are stored with this setup. */
export function storedBytes(
  weights: { readonly bytes: number; readonly elements: number },
  { storage, compute }: Setup,
  kind: CallPeak['call']['kind'],
): number {
  const eight = (storage !== 'checkpoint' && kind === 'denoiser') || (compute === 'int8' && kind !== 'encoder');
  return eight ? Math.min(weights.bytes, weights.elements) : weights.bytes;
}
