import { FREE_CONVOLUTION_BYTES } from '../../../device/MemoryBudget.js';
import type { WinogradTile } from './winogradMatrices.js';

/** Kinds of processors between which it differs what is fastest. */
export type ProcessorKind = 'avx2' | 'avx512' | 'other';

/** From which sizes on a tile is faster than the runtime's own kernel: the first row that a convolution reaches counts. */
export interface ConvolutionRow {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Of what comes out, of all samples. */
  readonly pixels: number;
  readonly tile: WinogradTile;
  /** Whether it is faster than int8, too. */
  readonly outrunsInt8?: boolean;
  /** What it has to be allowed to take for itself. Default 0. */
  readonly roomBytes?: number;
}

/**
 * With AVX-512 the transforms wait for memory, not for the processor: where an allocator gives buffers back between operators, under a limit, nothing is gained. Within 2 GB SD 1.5's UNet took 15.0 s, with all that loads it,
 * and directly 12.0; a picture 450 MB more.
 */
const roomBytes = FREE_CONVOLUTION_BYTES;

/** Measured with mapped weights: `npm run bench -- convolutions` prints the times that the rows follow from. */
export const convolutionTable: Readonly<Record<ProcessorKind, readonly ConvolutionRow[]>> = {
  avx2: [
    { inChannels: 256, outChannels: 256, pixels: 1024, tile: 4, outrunsInt8: true },
    { inChannels: 256, outChannels: 256, pixels: 256, tile: 4 },
    { inChannels: 128, outChannels: 128, pixels: 16384, tile: 4 },
    { inChannels: 256, outChannels: 256, pixels: 256, tile: 2 },
  ],
  avx512: [
    { inChannels: 256, outChannels: 256, pixels: 256, tile: 4, roomBytes },
    { inChannels: 128, outChannels: 128, pixels: 16384, tile: 4, roomBytes },
    { inChannels: 256, outChannels: 256, pixels: 256, tile: 2, roomBytes },
  ],
  other: [],
};

/** The kind of processor with these instruction sets, as `instructionSets()` gives them. */
export function processorKind(sets: readonly string[]): ProcessorKind {
  if (sets.includes('avx512f')) return 'avx512';
  return sets.includes('avx2') ? 'avx2' : 'other';
}
