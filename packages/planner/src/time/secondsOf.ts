import { MemoryBudget } from '@thimble/core/plugin';
import type { CallPeak } from '../memory/peakOf.js';
import { isOfVae } from '../model/ModelCall.js';
import type { Setup } from '../techniques/Setup.js';
import { STEP_INTERVAL } from '../techniques/techniques.js';
import type { MachineSpeed } from './MachineSpeed.js';

/** What a plan's time follows from. */
export interface TimeParts {
  readonly setup: Setup;
  readonly budget: MemoryBudget;
  readonly speed: MachineSpeed;
  /** Bytes that the page cache has, beside what the processes take. */
  readonly cacheBytes: number;
}

/**
 * How many times as long an operation takes as one of a plain product of matrices. Convolutions: by Winograd's algorithm where there is room for it, else by the runtime's kernel, 68 G a second where products
 * have about 100 (AMD EPYC, avx2).
 */
const COST = { linear: 1, convolution: 1, directConvolution: 1.47, chunkedAttention: 1.6, fusedAttention: 1.15 };

/** The same with AVX-512: Intel Xeon, where products have 126, the runtime's kernel has 80 to 130 and Winograd's algorithm 120 to 290. */
const AVX512_COST = { ...COST, convolution: 0.7, directConvolution: 1.1 };

/** Multiplications that take as long as one element takes that is made and read again: of a pass of SD 1.5's UNet of 6.9 s what its products leave, 1.8 ns for each of its 1.03 G elements. */
const ELEMENT_COST = 180;

/** Multiplications that take as long as widening one weight: 7.5 s a pass with float16 files, 6.9 with float32. */
const WIDENING_COST = 75;

/** Share of the products that are computed in int8, of those that can be. */
const INT8_SHARE = 0.92;

/** What the allocator adds where freed memory goes back to the system: a pass of SD 1.5's UNet takes 19.6 s of the processor within 192 MB, and 16.0 without a limit. */
const ALLOCATOR_FACTOR = { keep: 1, 'keep-small': 1.06, trim: 1.15, return: 1.22 } as const;

/** Strips compute their edges twice, and the sums of normalisations first. */
const STRIP_FACTOR = 1.2;

/** Seconds that a strip takes beside: its session, its messages, its weights that are widened once more. SD 1.5's VAE at 512×512: 20.7 s in 134 strips, 31 in 617, 41.6 in 2061. */
const STRIP_SECONDS = 0.01;

/** Share of the disk's speed with which mapped weights come where there is hardly any room for their pages: within 160 MB a pass of SD 1.5's UNet takes 13 s, and 9 where they are read in parts. */
const FAULT_SHARE = 0.25;

/** Tiles that overlap by a quarter. */
const TILE_FACTOR = 1.6;

/** Seconds to make a session. */
const SESSION_SECONDS = 0.004;

/** Seconds that a call takes, all its repetitions together. */
export function secondsOf({ call, strips, batch }: CallPeak, parts: TimeParts): number {
  const { setup, budget, speed } = parts;
  const { facts, samples } = call;
  // Samples that are not computed at once go through all of the model one after the other.
  const passes = Math.ceil(samples / batch);
  const tiled = setup.decoding === 'blended' && isOfVae(call) ? TILE_FACTOR : 1;
  const way = strips === undefined ? tiled : STRIP_FACTOR;
  const widening = (computesInt8(call, setup) ? 0 : facts.weights.narrow) * WIDENING_COST;
  const once = sampleSeconds(call, parts) * samples * way + (passes * widening) / speed.float32;
  const computing =
    once * ALLOCATOR_FACTOR[budget.allocator] * computedTimes(call, setup) +
    (strips?.count ?? 0) * STRIP_SECONDS * samples * call.times;
  const bytes = storedBytes(facts.weights, setup, call.kind);
  const traffic = ((strips?.trafficBytes ?? 0) * samples) / speed.read;
  const times = call.times * passes;
  return (
    computing +
    sessionSeconds({ facts, times }, bytes, parts) +
    diskSeconds({ times, bytes, computing, traffic }, parts)
  );
}

function sampleSeconds(call: CallPeak['call'], { setup, budget, speed }: TimeParts): number {
  const { linear, convolution, attention, fullAttention, elements } = call.facts.operations;
  const int8 = computesInt8(call, setup);
  const cost = speed.avx512 === true ? AVX512_COST : COST;
  // With AVX-512 under any limit, below an ample one.
  const least = speed.avx512 === true ? new MemoryBudget().convolutionBytes : 1;
  const direct = budget.convolutionBytes < least ? cost.directConvolution : cost.convolution;
  const products = linear * cost.linear + convolution * direct;
  const inInt8 = int8 ? INT8_SHARE : 0;
  // With less memory than usual core takes the fused kernel by itself.
  const fused = setup.attention === 'fused' || int8 || budget.transientBytes < new MemoryBudget().transientBytes;
  // Half of the tokens look at half of them.
  const passedOver = setup.tokens === 'merged' && isUNet(call) ? fullAttention * (3 / 4) : 0;
  const scores = (attention - passedOver) * (fused ? cost.fusedAttention : cost.chunkedAttention);
  return (
    (products * (1 - inInt8) + scores + elements * ELEMENT_COST) / speed.float32 + (products * inInt8) / speed.int8
  );
}

/** Of a model whose weights are read in parts each part has one, made anew in each pass. */
function sessionSeconds(
  { facts, times }: Pick<CallPeak['call'], 'facts' | 'times'>,
  bytes: number,
  { setup, budget }: TimeParts,
): number {
  const weightParts = budget.weightPartsOf(bytes);
  if (weightParts !== undefined)
    return SESSION_SECONDS * Math.max(facts.segments, bytes / weightParts.partBytes) * times;
  return setup.residency === 'all' ? 0 : SESSION_SECONDS * facts.segments * (setup.residency === 'segment' ? times : 1);
}

/**
 * Weights come from the disk once, and again in each repetition where the page cache cannot hold them. What is read in parts comes while others compute, and without a limit all of it comes while a model runs for the first
 * time.
 */
function diskSeconds(
  { times, bytes, computing, traffic }: Readonly<Record<'times' | 'bytes' | 'computing' | 'traffic', number>>,
  { budget, speed, cacheBytes }: TimeParts,
): number {
  if (budget.weightPartsOf(bytes) !== undefined) return Math.max(0, (bytes * times) / speed.read + traffic - computing);
  const read = budget.allocator === 'return' ? speed.read * FAULT_SHARE : speed.read;
  const beside = budget.limit === undefined ? computing / times : 0;
  const again = bytes > cacheBytes ? times - 1 : 0;
  return Math.max(0, bytes / read - beside) + (bytes * again) / read + Math.max(0, traffic - computing);
}

/** What a step takes that computes a UNet's last layers alone, to one that computes all: 0.74 s to 8.3 (SD 1.5 at 512×512). */
const CACHED_STEP = 0.09;

/** How many whole calls take as long as those of a run. */
function computedTimes(call: CallPeak['call'], { steps }: Setup): number {
  if (steps === 'all' || !isUNet(call)) return call.times;
  const whole = Math.min(call.times, Math.ceil(call.times / STEP_INTERVAL) + 1);
  return whole + (call.times - whole) * CACHED_STEP;
}

function isUNet({ kind, component }: CallPeak['call']): boolean {
  return kind === 'denoiser' && component.name.startsWith('unet');
}

function computesInt8({ kind }: Pick<CallPeak['call'], 'kind'>, { compute }: Setup): boolean {
  return compute === 'int8' && (kind === 'denoiser' || isOfVae({ kind }));
}

/** Bytes of a model's weights as they are stored with this setup. */
export function storedBytes(
  weights: { readonly bytes: number; readonly elements: number },
  setup: Setup,
  kind: CallPeak['call']['kind'],
): number {
  const eight = (setup.storage !== 'checkpoint' && kind === 'denoiser') || computesInt8({ kind }, setup);
  return eight ? Math.min(weights.bytes, weights.elements) : weights.bytes;
}
