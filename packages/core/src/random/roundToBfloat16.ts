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
