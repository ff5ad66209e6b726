import { instructionSets } from '../../../device/instructionSets.js';
import { refuseOption } from '../../../fields/refuseOption.js';
import type { ChooseConvolution } from '../winogradConvolutions.js';
import { type ConvolutionRow, convolutionTable, type ProcessorKind, processorKind } from './convolutionTable.js';
import { planWinograd } from './WinogradPlan.js';
import type { WinogradSite } from './WinogradSite.js';

/** How 3×3 convolutions may be computed on the CPU. */
export const CONVOLUTIONS = ['winograd', 'exact', 'direct'] as const;

/**
 * How 3×3 convolutions are computed on the CPU: by Winograd's algorithm where that is faster; in those of its tiles alone that are as exact as the runtime's own kernel; or always by that kernel.
 */
export type Convolution = (typeof CONVOLUTIONS)[number];

/** @throws ERR_ARGUMENT_INVALID for another one */
export function checkConvolution(convolution: unknown): void {
  if (!(CONVOLUTIONS as readonly unknown[]).includes(convolution))
    refuseOption('convolution', convolution, `one of ${CONVOLUTIONS.join(', ')}`);
}

/** What the table says of a convolution that may take `budget` bytes for itself; `undefined`: by the runtime's own kernel. It follows from these, the sizes and the kind of processor alone. */
export function tableRowOf(
  { batch, inChannels, outChannels, outHeight, outWidth }: WinogradSite,
  convolution: Convolution,
  budget: number,
  kind: ProcessorKind = processorKind(instructionSets()),
): ConvolutionRow | undefined {
  if (convolution === 'direct') return undefined;
  const pixels = batch * outHeight * outWidth;
  return convolutionTable[kind].find(
    (row) =>
      inChannels >= row.inChannels &&
      outChannels >= row.outChannels &&
      pixels >= row.pixels &&
      budget >= (row.roomBytes ?? 0) &&
      (convolution !== 'exact' || row.tile === 2),
  );
}

/** Chooses for each convolution by the table, within `budget` bytes for what it takes for itself. */
export function chooseConvolution(convolution: Convolution, budget: number): ChooseConvolution {
  const kind = processorKind(instructionSets());
  return (site) => {
    const row = tableRowOf(site, convolution, budget, kind);
    return row === undefined ? undefined : planWinograd(site, row.tile, budget);
  };
}
