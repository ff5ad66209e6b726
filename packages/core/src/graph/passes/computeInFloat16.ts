import type { Emitter } from '../Emitter.js';
import type { Graph, GraphConstant, GraphNode, GraphPort, GraphWeight } from '../Graph.js';
import { ONNX_TYPE } from '../operations.js';
import { Initializers, StorageEmitter } from '../storage/StorageEmitter.js';
import { float16 } from '../storage/float16.js';
import type { NarrowWeight } from '../storage/storageFormats.js';
import { layOutTransposed } from './layOutTransposed.js';
import { gatheredTable, narrowWeightsOf, withInitializers } from './widenWeights.js';

/** Angles of sinusoidal embeddings: float16 has too few digits for timesteps times frequencies. */
const PRECISE = new Set(['Sin', 'Cos']);

/** What torch too computes in float32: sums over a whole picture. */
const ISLANDS = new Set(['GroupNormalization']);

/** Inputs that are float32 whatever the others are: a Resize's region and scales. */
const ALWAYS_FLOAT32: Readonly<Record<string, readonly number[]>> = { Resize: [1, 2] };

/**
 * Computes a graph in float16, for providers whose kernels can: activations, constants and weights, and the graph's inputs and outputs. What sines and cosines are
 * taken of, and group norms, stay float32. Weights stored in another type are cast where they are used.
 */
export function computeInFloat16(graph: Graph): Graph {
  return new Narrowing(layOutTransposed(graph)).run();
}

class Narrowing {
  readonly #graph: Graph;
  readonly #precise: ReadonlySet<GraphNode>;
  readonly #constants: ReadonlyMap<string, GraphConstant>;
  readonly #weights: ReadonlyMap<string, GraphWeight>;
  readonly #inputs: ReadonlyMap<string, GraphPort>;
  /** Inputs that precise nodes read; they stay float32. */
  readonly #preciseInputs: ReadonlySet<string>;
  readonly #preciseOutputs: ReadonlySet<string>;
  readonly #casts = new Map<string, readonly GraphNode[]>();
  readonly #narrow: ReadonlyMap<string, NarrowWeight>;
  readonly #initializers = new Initializers();
  readonly #emitters: Emitter[] = [];
  readonly #made = new Map<string, GraphConstant>();
  readonly #shapes: Map<string, readonly number[]>;

  constructor(graph: Graph) {
    this.#graph = graph;
    this.#shapes = new Map(graph.shapes);
    this.#precise = preciseNodes(graph.nodes);
    this.#constants = new Map(graph.constants.map((constant) => [constant.name, constant]));
    this.#weights = new Map(graph.weights.map((weight) => [weight.name, weight]));
    this.#narrow = narrowWeightsOf(graph);
    this.#inputs = new Map(graph.inputs.map((port) => [port.name, port]));
    this.#preciseInputs = new Set([...this.#precise].flatMap(({ inputs }) => inputs));
    this.#preciseOutputs = new Set(
      [...this.#precise].filter(({ op }) => PRECISE.has(op)).flatMap(({ outputs }) => outputs),
    );
  }

  run(): Graph {
    const nodes = this.#graph.nodes.flatMap((node) =>
      this.#precise.has(node)
        ? [{ ...node, inputs: node.inputs.map((name) => this.#asFloat32(name)) }]
        : this.#rewrite(node),
    );
    return this.#graph.with({
      inputs: this.#graph.inputs.map((port) => (this.#preciseInputs.has(port.name) ? port : narrowPort(port))),
      outputs: this.#graph.outputs.map(narrowPort),
      // Casts of weights and inputs come first in the list, which is last in time.
      nodes: [...[...this.#casts.values()].flat(), ...nodes],
      constants: [
        ...this.#graph.constants,
        ...this.#made.values(),
        ...this.#initializers.constants,
        ...this.#emitters.flatMap(({ constants }) => constants),
      ],
      weights: withInitializers(this.#graph.weights, this.#narrow, this.#initializers),
      shapes: this.#shapes,
    });
  }

  #rewrite(node: GraphNode): GraphNode[] {
    if (ISLANDS.has(node.op)) return this.#island(node);
    const kept = ALWAYS_FLOAT32[node.op] ?? [];
    if (this.#gathersAnythingElse(node)) return this.#gatherThenCast(node);
    const before: GraphNode[] = [];
    const inputs = node.inputs.map((name, i) => (kept.includes(i) ? name : this.#asFloat16(name, before)));
    const { to } = node.attributes;
    const cast = node.op === 'Cast' && to !== undefined && 'int' in to && to.int === ONNX_TYPE.float32;
    return [...before, { ...node, inputs, attributes: cast ? { to: { int: ONNX_TYPE.float16 } } : node.attributes }];
  }

  /** A node in float32 between casts. */
  #island(node: GraphNode): GraphNode[] {
    const [x, ...parameters] = node.inputs as [string, ...string[]];
    const [input, output, result] = [`${node.name}/in`, `${node.name}/out`, node.outputs[0] as string];
    this.#shapes.set(input, this.#graph.shapeOf(x));
    this.#shapes.set(output, this.#graph.shapeOf(result));
    return [
      castNode(x, 'float32', input),
      { ...node, inputs: [input, ...parameters.map((name) => this.#asFloat32(name))], outputs: [output] },
      castNode(output, 'float16', result),
    ];
  }

  #asFloat16(name: string, before: GraphNode[]): string {
    const constant = this.#constants.get(name);
    if (constant?.type === 'float32') {
      this.#made.set(name, { ...constant, name: `${name}/f16`, type: 'float16' });
      return `${name}/f16`;
    }
    const weight = this.#weights.get(name);
    if (weight !== undefined) return this.#weightAsFloat16(weight);
    if (this.#preciseInputs.has(name) && this.#inputs.get(name)?.type === 'float32') return this.#cast(name, 'float16');
    if (!this.#preciseOutputs.has(name)) return name;
    const cast = castNode(name, 'float16', `${name}/f16.${before.length}.${this.#casts.size}`);
    before.push(cast);
    return cast.outputs[0] as string;
  }

  #weightAsFloat16(weight: GraphWeight): string {
    if (weight.type !== 'float32') return weight.name;
    const narrow = this.#narrow.get(weight.name);
    if (narrow?.format.elementType !== 'float16') return this.#cast(weight.name, 'float16');
    return this.#initializers.add({ ...weight, type: 'float16' });
  }

  #asFloat32(name: string): string {
    return this.#narrow.has(name) ? this.#cast(name, 'float32') : name;
  }

  #cast(name: string, type: 'float16' | 'float32'): string {
    const output = `${name}/${type}`;
    if (!this.#casts.has(output)) this.#casts.set(output, this.#castNodes(name, type, output));
    return output;
  }

  #castNodes(name: string, type: 'float16' | 'float32', output: string): readonly GraphNode[] {
    const narrow = this.#narrow.get(name);
    if (narrow === undefined) return [castNode(name, type, output)];
    const { weight, format } = narrow;
    if (format.elementType !== undefined)
      return [castNode(this.#initializers.add({ ...weight, type: format.elementType }), type, output)];
    if (type === 'float16') return [castNode(this.#cast(name, 'float32'), type, output)];
    const emit = this.#emitter(`${name}/widen`);
    format.widen(weight, output, emit, false);
    return emit.nodes;
  }

  /** Whether a node gathers rows of a weight that is not stored in float16. */
  #gathersAnythingElse(node: GraphNode): boolean {
    const weight = this.#weights.get(node.inputs[0] ?? '');
    if (node.op !== 'Gather' || weight?.type !== 'float32' || weight.source?.dtype === float16.dtype) return false;
    return !this.#narrow.has(weight.name) || gatheredTable(node, this.#narrow) !== undefined;
  }

  /** Rows of an embedding are cast after they are gathered, never the whole table. */
  #gatherThenCast(node: GraphNode): GraphNode[] {
    const emit = this.#emitter(node.name);
    const result = node.outputs[0] as string;
    const narrow = gatheredTable(node, this.#narrow);
    if (narrow === undefined) {
      const rows = emit.one('Gather', node.inputs, { ...node.attributes });
      return [...emit.nodes, castNode(rows, 'float16', result)];
    }
    const [, ids] = node.inputs as [string, string];
    const rows = `${result}/float32`;
    narrow.format.widenRows(narrow.weight, { ids, rank: this.#graph.shapeOf(ids).length }, rows, emit);
    return [...emit.nodes, castNode(rows, 'float16', result)];
  }

  #emitter(prefix: string): StorageEmitter {
    const emit = new StorageEmitter(prefix, this.#initializers, false);
    this.#emitters.push(emit);
    return emit;
  }
}

/** Sines and cosines, and all that they are made of. */
function preciseNodes(nodes: readonly GraphNode[]): ReadonlySet<GraphNode> {
  const precise = new Set<GraphNode>();
  const needed = new Set<string>();
  for (const node of nodes.toReversed()) {
    if (!PRECISE.has(node.op) && !node.outputs.some((name) => needed.has(name))) continue;
    precise.add(node);
    for (const name of node.inputs) needed.add(name);
  }
  return precise;
}

function narrowPort(port: GraphPort): GraphPort {
  return port.type === 'float32' ? { ...port, type: 'float16' } : port;
}

function castNode(from: string, type: 'float16' | 'float32', to: string): GraphNode {
  return {
    op: 'Cast',
    domain: '',
    name: `Cast/${to}`,
    inputs: [from],
    outputs: [to],
    attributes: { to: { int: ONNX_TYPE[type] } },
  };
}
