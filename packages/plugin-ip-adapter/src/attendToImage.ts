import {
  COMPOSITE_DOMAIN,
  Emitter,
  type Graph,
  type GraphNode,
  type GraphWeight,
  type TensorView,
} from '@thimble/core/plugin';
import type { ImageKeys } from './openIPAdapter.js';

/** The UNet's inputs that pictures come by. */
export const TOKENS = 'ip_hidden_states';
export const SCALE = 'ip_adapter_scale';

/**
 * Lets cross-attentions attend to a picture's tokens, too: what their queries find among keys and values made of `ip_hidden_states` is added to what they find in the text, times
 * `ip_adapter_scale` (source: diffusers models/attention_processor.py, `IPAdapterAttnProcessor2_0`). Graphs that are given no tokens stay as they are.
 *
 * @param find the keys and values of a cross-attention, by its dotted name
 */
export function attendToImage(graph: Graph, find: (attention: string) => ImageKeys | undefined): Graph | undefined {
  if (!graph.inputs.some(({ name }) => name === TOKENS)) return undefined;
  const site = new AttentionSites(graph);
  const shapes = new Map(graph.shapes);
  const constants = [...graph.constants];
  const weights = [...graph.weights];
  const nodes = graph.nodes.flatMap((node) => {
    const attention = site.nameOf(node);
    const keys = attention === undefined ? undefined : find(attention);
    if (keys === undefined) return [node];
    const image = new ImageAttention(graph, node, shapes);
    const made = image.make(
      weightOf(`${attention}.to_k_ip.weight`, keys.key),
      weightOf(`${attention}.to_v_ip.weight`, keys.value),
    );
    constants.push(...image.emit.constants);
    weights.push(...image.weights);
    return made;
  });
  return graph.with({ nodes, constants, weights, shapes });
}

/** Which attention a node of a graph is. */
class AttentionSites {
  readonly #producers: ReadonlyMap<string, GraphNode>;
  readonly #keyOf: ReadonlyMap<string, string>;

  constructor({ nodes, weights }: Graph) {
    this.#producers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
    this.#keyOf = new Map(weights.map(({ name, key }) => [name, key]));
  }

  /** The dotted name of an attention, by the weight that its keys are made of. */
  nameOf({ op, domain, inputs }: GraphNode): string | undefined {
    if (op !== 'Attention' || domain !== COMPOSITE_DOMAIN) return undefined;
    const waiting = [inputs[1] as string];
    const seen = new Set(waiting);
    for (const value of waiting) {
      const [, name] = /^(.*)\.to_k\.weight$/.exec(this.#keyOf.get(value) ?? '') ?? [];
      if (name !== undefined) return name;
      for (const input of this.#producers.get(value)?.inputs ?? [])
        if (!seen.has(input)) {
          seen.add(input);
          waiting.push(input);
        }
    }
    return undefined;
  }
}

/** What is computed beside one attention. */
class ImageAttention {
  readonly emit: Emitter;
  readonly weights: GraphWeight[] = [];
  readonly #graph: Graph;
  readonly #node: GraphNode;
  readonly #shapes: Map<string, readonly number[]>;

  constructor(graph: Graph, node: GraphNode, shapes: Map<string, readonly number[]>) {
    this.emit = new Emitter(`${node.name}/image`);
    this.#graph = graph;
    this.#node = node;
    this.#shapes = shapes;
  }

  make(key: GraphWeight, value: GraphWeight): readonly GraphNode[] {
    const { inputs, outputs, attributes } = this.#node;
    const [query, output] = [inputs[0] as string, outputs[0] as string];
    const text = `${output}/text`;
    const shape = this.#graph.shapeOf(output);
    const found = this.#seen(
      this.emit.one('Attention', [query, this.#project(key), this.#project(value)], attributes, COMPOSITE_DOMAIN),
      shape,
    );
    const factors = this.#reshape(SCALE, [-1, 1, 1], [...this.#graph.shapeOf(SCALE), 1, 1]);
    const scaled = this.#seen(this.emit.one('Mul', [found, factors]), shape);
    this.#seen(text, shape);
    this.emit.last('Add', [text, scaled], output);
    return [{ ...this.#node, outputs: [text] }, ...this.emit.nodes];
  }

  /** [n, tokens, crossAttentionDim] → [n, tokens, width]. */
  #project(weight: GraphWeight): string {
    const [batch = 1, tokens = 1, inner = 1] = this.#graph.shapeOf(TOKENS);
    const [width = 1] = weight.shape;
    this.weights.push(weight);
    this.#seen(weight.name, weight.dims);
    const flat = this.#reshape(TOKENS, [-1, inner], [batch * tokens, inner]);
    const made = this.#seen(this.emit.one('Gemm', [flat, weight.name], { transB: { int: 1 } }), [
      batch * tokens,
      width,
    ]);
    return this.#reshape(made, [-1, tokens, width], [batch, tokens, width]);
  }

  #reshape(value: string, pattern: readonly number[], dims: readonly number[]): string {
    const constant = this.#seen(this.emit.constant('int64', [pattern.length], pattern), [pattern.length]);
    return this.#seen(this.emit.one('Reshape', [value, constant]), dims);
  }

  #seen(value: string, dims: readonly number[]): string {
    this.#shapes.set(value, dims);
    return value;
  }
}

function weightOf(key: string, source: TensorView): GraphWeight {
  const { shape } = source;
  return { name: key, key, shape, dims: shape, rows: [0, shape[0] as number], type: 'float32', source };
}
