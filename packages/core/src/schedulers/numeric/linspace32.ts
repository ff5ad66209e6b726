/** `count` numbers from `start` to `stop`, both included, as float32: torch's `linspace`, which counts its second half from the end. */
export function linspace32(start: number, stop: number, count: number): Float32Array {
  const [first, last] = [Math.fround(start), Math.fround(stop)];
  const step = count > 1 ? Math.fround((last - first) / (count - 1)) : 0;
  return Float32Array.from({ length: count }, (_, i) =>
    i < count / 2 ? first + step * i : last - step * (count - 1 - i),
  );
}
