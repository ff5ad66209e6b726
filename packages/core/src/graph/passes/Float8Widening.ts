import type { Emitter } from '../Emitter.js';
import type { Graph, GraphConstant, GraphNode, GraphWeight } from '../Graph.js';
import { ONNX_TYPE } from '../operations.js';

/** Below so many elements the time does not matter, and a `Cast` is one node in place of four. */
const WORTH_MOVING_BITS = 2 ** 14;

/**
 * A code's bits, sign-extended to 16 and moved up by `factor`, are those of a float16 but for what `mask` takes away. `exponent`: the float16 is the
 * value times 2^-exponent, because the formats' exponents count from different numbers.
 */
const FORMATS = {
  float8_e4m3fn: { factor: 2 ** 7, mask: ~0x4000, exponent: 8 },
  float8_e5m2: { factor: 2 ** 8, mask: undefined, exponent: 0 },
} as const;

type Float8 = keyof typeof FORMATS;

/**
 * Widens weights of eight-bit floats by integer operations: a `Cast` to int16, which extends the sign, a `Mul` in place of a shift, and the
 * float16 whose bits these are, which the processor widens by itself. Exact for every code but the NaNs of e4m3fn, which become ±480.
 * ONNX Runtime's own `Cast` of these types goes element by element: 2.1 ns against 0.7 (e4m3fn) and 0.4 (e5m2).
 */
export class Float8Widening {
  readonly #weights = new Map<string, { readonly type: Float8; readonly elements: number }>();
  /** Weights whose factor 2^8 is left to whoever uses them, because that is cheaper. */
  readonly #unscaled: ReadonlySet<string>;
  readonly #constants = new Map<string, GraphConstant>();
  readonly #graph: Graph;
  /** Inputs of convolutions that were multiplied already. */
  readonly #multiplied = new Set<string>();

  /** `candidates`: those of another type, or so small that it makes no difference, are left alone. */
  constructor(graph: Graph, candidates: readonly GraphWeight[]) {
    this.#graph = graph;
    for (const { name, type, dims } of candidates) {
      const elements = product(dims);
      if (isFloat8(type) && elements >= WORTH_MOVING_BITS) this.#weights.set(name, { type, elements });
    }
    for (const { op, inputs } of graph.nodes) if (op === 'Gather') this.#weights.delete(inputs[0] as string);
    this.#unscaled = this.#findUnscaled();
  }

  get constants(): readonly GraphConstant[] {
    return [...this.#constants.values()];
  }

  /** Whether this widens the weight called `name`; in the graph its type is then int8. */
  has(name: string): boolean {
    return this.#weights.has(name);
  }

  /** Adds what makes the float32 value `output` of the weight `name`. */
  widen(name: string, output: string, emit: Emitter): void {
    const { factor, mask, exponent } = FORMATS[this.#weights.get(name)!.type];
    const wide = emit.one('Cast', [name], { to: { int: ONNX_TYPE.int16 } });
    const moved = emit.one('Mul', [wide, this.#constant('int16', factor)]);
    const bits = mask === undefined ? moved : emit.one('BitwiseAnd', [moved, this.#constant('int16', mask)]);
    const half = emit.one('BitCast', [bits], { to: { int: ONNX_TYPE.float16 } });
    if (exponent === 0 || this.#unscaled.has(name))
      emit.last('Cast', [half], output, { to: { int: ONNX_TYPE.float32 } });
    else
      emit.last(
        'Mul',
        [emit.one('Cast', [half], { to: { int: ONNX_TYPE.float32 } }), this.#constant('float32', 2 ** exponent)],
        output,
      );
  }

  /** `node` (which was given `names`), with the factor that its weight lacks: a power of two, so that nothing is rounded differently. */
  rewrite(node: GraphNode, names: readonly string[]): readonly GraphNode[] {
    const weight = names[1] ?? '';
    if (!this.#unscaled.has(weight)) return [node];
    const factor = 2 ** FORMATS[this.#weights.get(weight)!.type].exponent;
    if (node.op === 'Gemm') return [{ ...node, attributes: { ...node.attributes, alpha: { float: factor } } }];
    const [x, ...parameters] = node.inputs as [string, ...string[]];
    const scaled = { ...node, inputs: [`${x}/scaled`, ...parameters] };
    if (this.#multiplied.has(x)) return [scaled];
    this.#multiplied.add(x);
    return [
      {
        op: 'Mul',
        domain: '',
        name: `Mul/${x}/scaled`,
        inputs: [x, this.#constant('float32', factor)],
        outputs: [`${x}/scaled`],
        attributes: {},
      },
      scaled,
    ];
  }

  #findUnscaled(): ReadonlySet<string> {
    const unscaled = new Set(
      [...this.#weights].filter(([, { type }]) => FORMATS[type].exponent !== 0).map(([name]) => name),
    );
    for (const node of this.#graph.nodes) {
      for (const [at, name] of node.inputs.entries())
        if (unscaled.has(name) && !(at === 1 && this.#canScale(node, this.#weights.get(name)!.elements)))
          unscaled.delete(name);
    }
    return unscaled;
  }

  #canScale({ op, inputs, attributes }: GraphNode, elements: number): boolean {
    if (op === 'Gemm') return attributes['alpha'] === undefined;
    return op === 'Conv' && product(this.#graph.shapes.get(inputs[0] as string) ?? [Infinity]) < elements;
  }

  #constant(type: GraphConstant['type'], value: number): string {
    const name = `widen/${type}/${value}`;
    this.#constants.set(name, { name, type, dims: [], data: [value] });
    return name;
  }
}

function isFloat8(type: string): type is Float8 {
  return type in FORMATS;
}

function product(dims: readonly number[]): number {
  return dims.reduce((a, b) => a * b, 1);
}
