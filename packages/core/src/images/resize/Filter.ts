/** How the weight of a pixel falls with its distance. */
export interface Filter {
  /** Beyond this distance there is none. */
  readonly support: number;
  readonly weight: (distance: number) => number;
}

/** The filters that pictures are resized with, as PIL has them. */
export const FILTERS = {
  /** A sinc within a window that is a wider sinc, over 6 pixels. */
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
  /** Keys' cubic with a = -0.5, over 4 pixels. */
  bicubic: { support: 2, weight: (x) => cubic(Math.abs(x)) },
} as const satisfies Readonly<Record<string, Filter>>;

/** The name of a filter. */
export type FilterName = keyof typeof FILTERS;

const A = -0.5;

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

function cubic(x: number): number {
  if (x < 1) return ((A + 2) * x - (A + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * A : 0;
}
