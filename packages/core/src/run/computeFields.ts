import { choiceField, described, type FieldValues } from '../fields/Field.js';
import { CONVOLUTIONS } from '../graph/passes/winograd/chooseConvolution.js';

/** How models are computed. Options of `fromPretrained`. */
export const computeFields = {
  /**
   * How 3×3 convolutions are computed on the CPU: by Winograd's algorithm where a table says that it is faster for their sizes on this kind of processor ('winograd', the default), which in
   * tiles of four pixels is off by three times as much as the runtime's own kernel, some 1e-6 of the values; in tiles of two alone, which are as exact as that kernel ('exact'); or by that kernel ('direct').
   */
  convolution: described(choiceField('winograd', CONVOLUTIONS), {
    description:
      "3×3 convolutions: by Winograd's algorithm where that is faster (winograd), in its exact tiles alone (exact), or direct",
    flag: '--convolution <how>',
  }),
};

/** The same, checked, with defaults. */
export type ComputeSettings = FieldValues<typeof computeFields>;
