/** How far values are from what they were, in all: the mean distance as a share of the mean size of what they were (source: diffusers hooks/first_block_cache.py). */
export function relativeChange(now: readonly Float32Array[], before: readonly Float32Array[]): number {
  let [distance, size] = [0, 0];
  for (const [i, values] of now.entries()) {
    const earlier = before[i] as Float32Array;
    for (let at = 0; at < values.length; at++) {
      const was = earlier[at] as number;
      distance += Math.abs((values[at] as number) - was);
      size += Math.abs(was);
    }
  }
  return size === 0 ? Infinity : distance / size;
}
