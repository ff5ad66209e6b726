/** How many output pixels of a 3×3 convolution are computed together, along each side: F(2,3) and F(4,3). */
export type WinogradTile = 2 | 4;

/**
 * Where the polynomials are evaluated, beside infinity. Of the points for tiles of four, ±3/4 and ±3/2 lose half the digits that the usual ±1 and ±2 lose (rms
 * 1.5e-6 in place of 3.2e-6 over 640 channels); their powers are exact in float32.
 */
const POINTS: Readonly<Record<WinogradTile, readonly number[]>> = {
  2: [0, 1, -1],
  4: [0, 3 / 4, -3 / 4, 3 / 2, -3 / 2],
};

/** The taps of a kernel along a side. */
const TAPS = 3;

/** The three transformations of F(m×m, 3×3), each row by row. Windows are of a = m + 2 pixels on each side, in reading order. */
export interface WinogradMatrices {
  /** a. */
  readonly window: number;
  /** Bᵀ⊗Bᵀ [a², a²]: from the pixels of a window. */
  readonly input: readonly number[];
  /** G⊗G [a², 9]: from the taps of a kernel. */
  readonly weight: readonly number[];
  /** Aᵀ⊗Aᵀ [m², a²]: to the pixels of a tile. */
  readonly output: readonly number[];
}

const known = new Map<WinogradTile, WinogradMatrices>();

/** By Cook and Toom (source: A. Lavin and S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015). */
export function winogradMatrices(tile: WinogradTile): WinogradMatrices {
  const made = known.get(tile) ?? make(tile);
  known.set(tile, made);
  return made;
}

function make(tile: WinogradTile): WinogradMatrices {
  const points = POINTS[tile];
  const window = points.length + 1;
  const infinity = (length: number): readonly number[] => Array.from({ length }, (_, i) => (i === length - 1 ? 1 : 0));
  const others = (point: number): readonly number[] => points.filter((other) => other !== point);
  const input = [...points.map((point) => [...fromRoots(others(point)), 0]), fromRoots(points)];
  const weight = [
    ...points.map((point) => {
      const distance = others(point).reduce((product, other) => product * (point - other), 1);
      return powers(point, TAPS).map((power) => power / distance);
    }),
    infinity(TAPS),
  ];
  const columns = [...points.map((point) => powers(point, tile)), infinity(tile)];
  const output = Array.from({ length: tile }, (_, i) => columns.map((column) => column[i] as number));
  return { window, input: kronecker(input), weight: kronecker(weight), output: kronecker(output) };
}

/** Coefficients of the polynomial with these roots, from the constant on. */
function fromRoots(roots: readonly number[]): readonly number[] {
  return roots.reduce<readonly number[]>(
    (polynomial, root) =>
      Array.from({ length: polynomial.length + 1 }, (_, i) => (polynomial[i - 1] ?? 0) - root * (polynomial[i] ?? 0)),
    [1],
  );
}

function powers(base: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => base ** i);
}

/** M⊗M: for what is two-dimensional. */
function kronecker(matrix: readonly (readonly number[])[]): readonly number[] {
  return matrix.flatMap((a) => matrix.flatMap((b) => a.flatMap((x) => b.map((y) => x * y))));
}
