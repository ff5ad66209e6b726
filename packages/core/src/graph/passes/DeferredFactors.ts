import type { Graph, GraphNode } from '../Graph.js';
import type { Initializers } from '../storage/StorageEmitter.js';

/** A weight whose format can leave a factor to whoever multiplies with it. */
interface Candidate {
  readonly factor: number;
  readonly elements: number;
}

/**
 * Factors that the widening of weights leaves to the nodes that use them: a linear layer has a place for one, and a convolution's input may have fewer elements
 * than its weight. They are powers of two, so that nothing is rounded differently.
 */
export class DeferredFactors {
  readonly #graph: Graph;
  readonly #candidates: ReadonlyMap<string, Candidate>;
  readonly #initializers: Initializers;
  readonly #deferred: ReadonlySet<string>;
  /** Inputs of convolutions that were multiplied already. */
  readonly #multiplied = new Set<string>();

  /** `candidates`: by the weight's name. */
  constructor(graph: Graph, candidates: ReadonlyMap<string, Candidate>, initializers: Initializers) {
    this.#graph = graph;
    this.#candidates = candidates;
    this.#initializers = initializers;
    this.#deferred = this.#find();
  }

  /** Whether all that use a weight apply its factor themselves. */
  has(name: string): boolean {
    return this.#deferred.has(name);
  }

  /** `node` (which was given `names`), with the factor that its weight lacks. */
  rewrite(node: GraphNode, names: readonly string[]): readonly GraphNode[] {
    const weight = names[1] ?? '';
    if (!this.#deferred.has(weight)) return [node];
    const { factor } = this.#candidates.get(weight) as Candidate;
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
        inputs: [x, this.#initializers.scalar('float32', factor)],
        outputs: [`${x}/scaled`],
        attributes: {},
      },
      scaled,
    ];
  }

  #find(): ReadonlySet<string> {
    const deferred = new Set(this.#candidates.keys());
    for (const node of this.#graph.nodes) {
      for (const [at, name] of node.inputs.entries())
        if (deferred.has(name) && !(at === 1 && this.#canScale(node, this.#candidates.get(name) as Candidate)))
          deferred.delete(name);
    }
    return deferred;
  }

  #canScale({ op, inputs, attributes }: GraphNode, { elements }: Candidate): boolean {
    if (op === 'Gemm') return attributes['alpha'] === undefined;
    const shape = this.#graph.shapes.get(inputs[0] as string) ?? [Infinity];
    return op === 'Conv' && shape.reduce((a, b) => a * b, 1) < elements;
  }
}
