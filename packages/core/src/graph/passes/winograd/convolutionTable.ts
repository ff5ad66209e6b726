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
}

/** Measured with mapped weights: `npm run bench -- convolutions` prints the times that the rows follow from. */
export const convolutionTable: Readonly<Record<ProcessorKind, readonly ConvolutionRow[]>> = {
  avx2: [
    { inChannels: 256, outChannels: 256, pixels: 1024, tile: 4, outrunsInt8: true },
    { inChannels: 256, outChannels: 256, pixels: 256, tile: 4 },
    { inChannels: 128, outChannels: 128, pixels: 16384, tile: 4 },
    { inChannels: 256, outChannels: 256, pixels: 256, tile: 2 },
  ],
  avx512: [
    { inChannels: 256, outChannels: 256, pixels: 1024, tile: 4 },
    { inChannels: 128, outChannels: 128, pixels: 16384, tile: 4 },
    { inChannels: 256, outChannels: 256, pixels: 1024, tile: 2 },
  ],
  other: [],
};

/** The kind of processor with these instruction sets, as `instructionSets()` gives them. */
export function processorKind(sets: readonly string[]): ProcessorKind {
  if (sets.includes('avx512f')) return 'avx512';
  return sets.includes('avx2') ? 'avx2' : 'other';
}
