import type { Graph, GraphNode } from './Graph.js';

/** Who makes the values of a graph, and who reads them. */
export class Wiring {
  readonly #makers: ReadonlyMap<string, GraphNode>;
  readonly #readers = new Map<string, GraphNode[]>();
  readonly #outputs: ReadonlySet<string>;

  constructor({ nodes, outputs }: Graph) {
    this.#makers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
    for (const node of nodes)
      for (const input of new Set(node.inputs)) this.#readers.set(input, [...(this.#readers.get(input) ?? []), node]);
    this.#outputs = new Set(outputs.map(({ name }) => name));
  }

  /** The node that makes a value; `undefined` for inputs, weights and constants. */
  makerOf(value: string): GraphNode | undefined {
    return this.#makers.get(value);
  }

  /** The nodes that read a value, each once. */
  readersOf(value: string): readonly GraphNode[] {
    return this.#readers.get(value) ?? [];
  }

  /** Whether the graph gives a value. */
  isOutput(value: string): boolean {
    return this.#outputs.has(value);
  }
}
