import { Emitter, type Graph, type GraphConstant, type GraphNode } from '@thimble/core/plugin';
import { type SelfAttention, selfAttentionsOf } from './SelfAttention.js';
import type { TokenGrid } from './TokenGrid.js';
import { TokenMatching } from './TokenMatching.js';
import { splitTokens } from './TokenSplit.js';

/** How tokens are merged. */
export interface Merging {
  readonly grid: TokenGrid;
  /** The share of all tokens that is merged into others. */
  readonly ratio: number;
  /** Sides of the cells of which one token stays. */
  readonly sx: number;
  readonly sy: number;
  /** The most bytes that what is compared at once may take. */
  readonly budget: number;
}

/** Puts merging before each self-attention of a graph, and spreading behind it; attentions over other tokens than those of the grid stay as they are. */
export function mergeTokens(graph: Graph, merging: Merging): Graph {
  return selfAttentionsOf(graph).reduce((merged, site) => mergeAround(merged, site, merging), graph);
}

function mergeAround(graph: Graph, site: SelfAttention, { grid, ratio, sx, sy, budget }: Merging): Graph {
  const { norm, hidden, inner, sum, result } = site;
  const [samples, tokens, width] = graph.shapeOf(hidden) as readonly [number, number, number];
  const split = splitTokens(grid, sx, sy, `${graph.name} ${norm.name}`);
  const merged = Math.min(split.sources.length, Math.floor(tokens * ratio));
  if (tokens !== grid.height * grid.width || merged === 0 || split.destinations.length === 0) return graph;

  const [before, after] = [new Emitter(`${norm.name}/merging`), new Emitter(`${norm.name}/merging/spread`)];
  const matching = new TokenMatching({ ...split, hidden, samples, width, merged }, before, budget);
  const normed = norm.outputs[0] as string;
  const fewer = matching.merge(normed);
  const spread = `${norm.name}/merging/output`;
  matching.unmerge(result, spread, after);

  const inside = new FewerTokens(graph, { tokens, samples, count: matching.count });
  const rewrite = (node: GraphNode): readonly GraphNode[] => {
    if (node === norm) return [node, ...before.nodes];
    if (node === sum) return [...after.nodes, { ...node, inputs: renamed(node.inputs, result, spread) }];
    if (!inner.has(node)) return [node];
    return [inside.rewrite({ ...node, inputs: renamed(node.inputs, normed, fewer) })];
  };
  const nodes = graph.nodes.flatMap(rewrite);
  const shapes = new Map([
    ...graph.shapes,
    ...inside.shapes,
    [fewer, [samples, matching.count, width]] as const,
    [spread, [samples, tokens, width]] as const,
  ]);
  const constants = [...graph.constants, ...before.constants, ...after.constants, ...inside.constants];
  return graph.with({ nodes, constants, shapes });
}

/** What is computed of the normed tokens, when there are fewer of them. */
class FewerTokens {
  readonly shapes = new Map<string, readonly number[]>();
  readonly constants: GraphConstant[] = [];
  readonly #graph: Graph;
  readonly #sizes: { readonly tokens: number; readonly samples: number; readonly count: number };
  readonly #known: ReadonlyMap<string, GraphConstant>;

  constructor(graph: Graph, sizes: { readonly tokens: number; readonly samples: number; readonly count: number }) {
    this.#graph = graph;
    this.#sizes = sizes;
    this.#known = new Map(graph.constants.map((constant) => [constant.name, constant]));
  }

  rewrite(node: GraphNode): GraphNode {
    for (const output of node.outputs) {
      const shape = this.#graph.shapes.get(output);
      if (shape !== undefined) this.shapes.set(output, this.#smaller(shape));
    }
    const [value, shape] = node.inputs as [string, string];
    const target = node.op === 'Reshape' ? this.#known.get(shape) : undefined;
    if (target === undefined) return node;
    const name = `${node.name}/fewer`;
    this.constants.push({ ...target, name, data: this.#smaller(target.data) });
    return { ...node, inputs: [value, name] };
  }

  /** [n, tokens, …] or [n · tokens, …]. */
  #smaller(dims: readonly number[]): readonly number[] {
    const { tokens, samples, count } = this.#sizes;
    if (dims.length === 3 && dims[1] === tokens) return dims.with(1, count);
    return dims.length === 2 && dims[0] === samples * tokens ? dims.with(0, samples * count) : dims;
  }
}

function renamed(names: readonly string[], from: string, to: string): readonly string[] {
  return names.map((name) => (name === from ? to : name));
}
