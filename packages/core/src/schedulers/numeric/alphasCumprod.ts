/** ᾱ of each training timestep: the running product of 1 - β, multiplied in float64 and rounded to float32, as torch does. */
export function alphasCumprod(betas: Float32Array): Float32Array {
  let product = 1;
  return betas.map((beta) => (product *= Math.fround(1 - beta)));
}
