import { type TensorView, transposeView } from '@thimble/core/plugin';
import type { Delta } from '../deltas/Delta.js';
import type { FactorName } from './readKey.js';

/** The tensors of one layer in a file. */
export type Factors = ReadonlyMap<FactorName, TensorView>;

/** A layer's change, and by what its alpha is divided. */
export interface RankedDelta {
  readonly delta: Delta;
  /** `undefined` where alpha has no meaning: a LoKr of whole matrices. */
  readonly rank: number | undefined;
}

/** What the tensors of a layer make; `undefined` where some are missing. Sources: kohya's `networks/lora.py`, LyCORIS's `modules/{locon,loha,lokr}.py`. */
export function readDelta(factors: Factors): RankedDelta | undefined {
  return readProduct(factors) ?? readHadamard(factors) ?? readKronecker(factors);
}

function readProduct(factors: Factors): RankedDelta | undefined {
  const [up, down, mid] = [factors.get('up'), factors.get('down'), factors.get('mid')];
  if (up === undefined || down === undefined) return undefined;
  return { delta: product(asMatrix(up), asMatrix(down), mid), rank: down.shape[0] as number };
}

function readHadamard(factors: Factors): RankedDelta | undefined {
  const side = (n: 1 | 2): Delta | undefined =>
    decomposed(factors.get(`hada_w${n}_a`), factors.get(`hada_w${n}_b`), factors.get(`hada_t${n}`));
  const [left, right] = [side(1), side(2)];
  if (left === undefined || right === undefined) return undefined;
  return { delta: { kind: 'hadamard', left, right }, rank: factors.get('hada_w1_b')?.shape[0] as number };
}

function readKronecker(factors: Factors): RankedDelta | undefined {
  const side = (n: 1 | 2): Delta | undefined => {
    const weight = factors.get(`lokr_w${n}`);
    const core = n === 2 ? factors.get('lokr_t2') : undefined;
    if (weight !== undefined) return { kind: 'whole', weight: asMatrix(weight) };
    return decomposed(factors.get(`lokr_w${n}_a`), factors.get(`lokr_w${n}_b`), core);
  };
  const [left, right] = [side(1), side(2)];
  if (left === undefined || right === undefined) return undefined;
  const inner = factors.get('lokr_w2_b') ?? factors.get('lokr_w1_b');
  return { delta: { kind: 'kronecker', left, right }, rank: inner?.shape[0] };
}

/** LyCORIS's pairs: a [out, rank], or [rank, out] beside a core. */
function decomposed(
  a: TensorView | undefined,
  b: TensorView | undefined,
  core: TensorView | undefined,
): Delta | undefined {
  if (a === undefined || b === undefined) return undefined;
  return product(core === undefined ? asMatrix(a) : transposeView(asMatrix(a)), asMatrix(b), core);
}

function product(up: TensorView, down: TensorView, core: TensorView | undefined): Delta {
  return core === undefined ? { kind: 'product', up, down } : { kind: 'product', up, down, core: asCore(core) };
}

/** Everything after the first axis as one. */
function asMatrix(view: TensorView): TensorView {
  const [rows = 1, ...rest] = view.shape;
  return { ...view, shape: [rows, rest.reduce((a, b) => a * b, 1)] };
}

/** The kernel's pixels as one axis. */
function asCore(view: TensorView): TensorView {
  const [r = 1, s = 1, ...kernel] = view.shape;
  return { ...view, shape: [r, s, kernel.reduce((a, b) => a * b, 1)] };
}
