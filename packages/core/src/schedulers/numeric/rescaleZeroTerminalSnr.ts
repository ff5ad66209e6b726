import { alphasCumprod } from './alphasCumprod.js';

/**
 * Rescales betas so that nothing but noise is left at the last timestep. Only each α is rounded to float32.
 *
 * Source: S. Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", 2023, algorithm 1.
 */
export function rescaleZeroTerminalSnr(betas: Float32Array): Float32Array {
  const alphaBars = rescaleAlphasCumprod(alphasCumprod(betas));
  return Float32Array.from(
    alphaBars,
    (alphaBar, i) => 1 - Math.fround(i === 0 ? alphaBar : alphaBar / alphaBars[i - 1]!),
  );
}

/**
 * ᾱ with √ᾱ shifted to end at 0 and scaled to start where it did. In float64, because torch's float32 square root differs from machine
 * to machine.
 */
export function rescaleAlphasCumprod(alphaBars: Float32Array | Float64Array): Float64Array {
  const roots = Float64Array.from(alphaBars, Math.sqrt);
  const first = roots[0]!;
  const last = roots[roots.length - 1]!;
  return roots.map((root) => ((root - last) * (first / (first - last))) ** 2);
}
