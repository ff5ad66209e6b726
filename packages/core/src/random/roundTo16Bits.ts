const LARGEST = 65504;
const SMALLEST_NORMAL = 2 ** -14;
const SUBNORMAL_STEP = 2 ** -24;

/** The float16 value nearest to `x`, ties to even; an infinity from 65520 on. */
export function roundToFloat16(x: number): number {
  if (!Number.isFinite(x) || x === 0) return x;
  const magnitude = Math.abs(x);
  const step = magnitude < SMALLEST_NORMAL ? SUBNORMAL_STEP : 2 ** (exponentOf(magnitude) - 10);
  // Adding and subtracting 1.5 · 2^52 steps leaves a multiple of the step, rounded half to even by the addition itself.
  const shift = 1.5 * 2 ** 52 * step;
  const rounded = magnitude + shift - shift;
  return Math.sign(x) * (rounded > LARGEST ? Infinity : rounded);
}

const view = new DataView(new ArrayBuffer(8));

function exponentOf(magnitude: number): number {
  view.setFloat64(0, magnitude);
  return ((view.getUint16(0) >> 4) & 0x7ff) - 1023;
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The bfloat16 value nearest to the float32 nearest to `x`, ties to even, as torch rounds. */
export function roundToBfloat16(x: number): number {
  if (Number.isNaN(x)) return x;
  float[0] = x;
  const word = bits[0]!;
  bits[0] = (word + 0x7fff + ((word >>> 16) & 1)) & 0xffff0000;
  return float[0];
}
