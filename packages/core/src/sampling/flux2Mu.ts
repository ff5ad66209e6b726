/** From this many tokens on the steps do not count. */
const MOST_TOKENS = 4300;

/** The shift of FLUX.2's noise levels by the tokens of a picture and the number of steps (source: diffusers pipelines/flux2/pipeline_flux2.py, `compute_empirical_mu`). */
export function flux2Mu(tokens: number, steps: number): number {
  const at200 = 0.00016927 * tokens + 0.45666666;
  if (tokens > MOST_TOKENS) return at200;
  const at10 = 8.73809524e-5 * tokens + 1.89833333;
  const slope = (at200 - at10) / 190;
  return slope * steps + at200 - 200 * slope;
}
