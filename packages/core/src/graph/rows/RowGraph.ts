import { checkGraph } from '../checkGraph.js';
import type { Graph, GraphNode } from '../Graph.js';
import { isAttention } from '../passes/AttentionLowering.js';
import { type GroupNormSite, groupNormsOf } from './GroupNormSite.js';
import { reshapedLayout, type RowLayout, type Rows } from './RowLayout.js';

/** Operations whose output rows depend on the same rows of their inputs alone. */
const ROW_WISE = new Set(['Add', 'Sub', 'Mul', 'Div', 'Sigmoid', 'Relu', 'Gelu', 'Mish', 'Tanh', 'Identity']);

/** A graph over one picture, with what is known about the rows of its values: which rows of its inputs each row of an output needs. */
export class RowGraph {
  readonly graph: Graph;
  readonly norms: readonly GroupNormSite[];
  readonly attentions: readonly GraphNode[];
  readonly #layouts = new Map<string, RowLayout>();
  readonly #normOfNode: ReadonlyMap<GraphNode, GroupNormSite>;

  /** @throws RangeError for a graph with an operation that this does not know: it cannot be cut into rows */
  constructor(graph: Graph) {
    checkGraph(graph);
    this.graph = graph;
    this.norms = groupNormsOf(graph);
    this.#normOfNode = new Map(this.norms.map((site) => [site.node, site]));
    this.attentions = graph.nodes.filter(isAttention);
    for (const { name } of graph.inputs)
      this.#layouts.set(name, { axis: 2, unit: 1, height: graph.shapeOf(name)[2] as number });
    for (const node of graph.nodes) this.#place(node);
  }

  /** `undefined` for a value without rows, such as a weight. */
  layoutOf(value: string): RowLayout | undefined {
    return this.#layouts.get(value);
  }

  /** The normalisation that a node is. */
  normOf(node: GraphNode): GroupNormSite | undefined {
    return this.#normOfNode.get(node);
  }

  /** Those of some values that are normalised, with their number of groups. */
  groupsOf(values: readonly string[]): ReadonlyMap<string, number> {
    return new Map(
      this.norms.filter(({ input }) => values.includes(input)).map(({ input, groups }) => [input, groups] as const),
    );
  }

  heightOf(value: string): number {
    return this.#layoutOf(value).height;
  }

  /** The shape of some rows of a value. */
  shapeOf(value: string, { count }: Rows): readonly number[] {
    const shape = this.graph.shapeOf(value);
    const layout = this.#layouts.get(value);
    return layout === undefined
      ? shape
      : shape.map((size, axis) => (axis === layout.axis ? count * layout.unit : size));
  }

  /** Rows of the n-th input that some rows of a node's output need; `undefined` for an input without rows. */
  neededRows(node: GraphNode, input: number, rows: Rows): Rows | undefined {
    const layout = this.#layouts.get(node.inputs[input] as string);
    if (layout === undefined) return undefined;
    if (node.op === 'Conv') return clip(convolvedRows(node, rows), layout.height);
    if (node.op === 'Resize') return shrink(rows, this.heightOf(node.outputs[0] as string) / layout.height);
    if (isAttention(node) && input > 0) return { start: 0, count: layout.height };
    return rows;
  }

  /** Rows that a node makes when it gets what {@link RowGraph.neededRows} says: all that were asked for, and maybe more. */
  madeRows(node: GraphNode, rows: Rows): Rows {
    if (node.op !== 'Resize') return rows;
    const factor = this.heightOf(node.outputs[0] as string) / this.heightOf(node.inputs[0] as string);
    const { start, count } = shrink(rows, factor);
    return { start: start * factor, count: count * factor };
  }

  #layoutOf(value: string): RowLayout {
    const layout = this.#layouts.get(value);
    if (layout === undefined) throw new RangeError(`"${value}" has no rows`);
    return layout;
  }

  #place(node: GraphNode): void {
    const source = node.inputs.find((name) => this.#layouts.has(name));
    if (source === undefined) return;
    const layout = this.#outputLayout(node, source);
    if (layout === undefined) throw new RangeError(`${node.name}: ${node.op} cannot be computed by rows`);
    this.#layouts.set(node.outputs[0] as string, layout);
  }

  #outputLayout(node: GraphNode, source: string): RowLayout | undefined {
    const layout = this.#layoutOf(source);
    const [from, to] = [this.graph.shapeOf(source), this.graph.shapeOf(node.outputs[0] as string)];
    switch (node.op) {
      case 'Conv':
        return { axis: 2, unit: 1, height: to[2] as number };
      case 'Resize':
        return (to[2] as number) % layout.height === 0 ? { axis: 2, unit: 1, height: to[2] as number } : undefined;
      case 'Transpose':
        return { ...layout, axis: intsOf(node, 'perm').indexOf(layout.axis) };
      case 'Reshape':
        return reshapedLayout(layout, from, to);
      case 'Gemm':
        return layout.axis === 0 ? layout : undefined;
      case 'Attention':
      case 'GroupNormalization':
        return this.#layoutOf(node.inputs[0] as string);
      default:
        return ROW_WISE.has(node.op) ? layout : undefined;
    }
  }
}

/** A node's list of integers; empty if it has none of that name. */
export function intsOf({ attributes }: GraphNode, name: string): readonly number[] {
  const attribute = attributes[name];
  return attribute !== undefined && 'ints' in attribute ? attribute.ints : [];
}

/** Rows that a convolution reads, with those that are padding. */
export function convolvedRows(node: GraphNode, { start, count }: Rows): Rows {
  const [stride = 1] = intsOf(node, 'strides');
  const [dilation = 1] = intsOf(node, 'dilations');
  const [top = 0] = intsOf(node, 'pads');
  const [kernel = 1] = intsOf(node, 'kernel_shape');
  return { start: start * stride - top, count: (count - 1) * stride + (kernel - 1) * dilation + 1 };
}

function clip({ start, count }: Rows, height: number): Rows {
  const first = Math.max(0, start);
  return { start: first, count: Math.min(height, start + count) - first };
}

function shrink({ start, count }: Rows, factor: number): Rows {
  const first = Math.floor(start / factor);
  return { start: first, count: Math.ceil((start + count) / factor) - first };
}
