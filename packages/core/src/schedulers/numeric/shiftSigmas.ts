import { ThimbleError } from '../../errors.js';

/** How `mu` becomes the shift of the noise levels. */
export type TimeShiftType = 'exponential' | 'linear';

/**
 * Shifts the noise levels of flow matching, in [0, 1], towards noise: s·σ / (1 + (s - 1)·σ).
 *
 * Source: P. Esser et al., "Scaling Rectified Flow Transformers for High-Resolution Image Synthesis", 2024, eq. 23.
 */
export function shiftSigmas(sigmas: readonly number[], shift: number): number[] {
  return sigmas.map((sigma) => (shift * sigma) / (1 + (shift - 1) * sigma));
}

/**
 * The shift of a run: by `mu`, which goes with the size of the picture, where the config has `use_dynamic_shifting`.
 *
 * @throws `ERR_ARGUMENT_INVALID` if `mu` is missing where it is needed, or given where it has no effect
 */
export function shiftOf(
  mu: number | undefined,
  config: { readonly use_dynamic_shifting: boolean; readonly time_shift_type: TimeShiftType },
  fixed: number,
): number {
  if (!config.use_dynamic_shifting) {
    if (mu !== undefined)
      throw new ThimbleError('ERR_ARGUMENT_INVALID', {
        argument: 'mu',
        value: mu,
        expected: 'nothing while use_dynamic_shifting is false',
      });
    return fixed;
  }
  if (mu === undefined || !Number.isFinite(mu))
    throw new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'mu',
      value: mu,
      expected: 'a number, because use_dynamic_shifting is true',
    });
  return config.time_shift_type === 'exponential' ? Math.exp(mu) : mu;
}

/** Stretches noise levels so that the last one is `terminal`; the first one, 1, stays. Source: diffusers `scheduling_flow_match_euler_discrete.py`. */
export function stretchToTerminal(sigmas: readonly number[], terminal: number): number[] {
  const scale = (1 - sigmas.at(-1)!) / (1 - terminal);
  return sigmas.map((sigma) => 1 - (1 - sigma) / scale);
}
