import type { Attribute, GraphConstant, GraphNode } from './Graph.js';

/** Collects nodes and constants that a pass puts into a graph; every name starts with `prefix`, so that nothing collides. */
export class Emitter {
  readonly nodes: GraphNode[] = [];
  readonly constants: GraphConstant[] = [];
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Adds a node with `count` outputs and returns their names. */
  many(
    op: string,
    inputs: readonly string[],
    count: number,
    attributes: Record<string, Attribute> = {},
    domain = '',
  ): string[] {
    const name = `${this.#prefix}/${op}.${this.nodes.length}`;
    const outputs = Array.from({ length: count }, (_, i) => (count === 1 ? name : `${name}.${i}`));
    this.nodes.push({ op, domain, name, inputs, outputs, attributes });
    return outputs;
  }

  /** Adds a node with one output and returns its name. */
  one(op: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}, domain = ''): string {
    return this.many(op, inputs, 1, attributes, domain)[0] as string;
  }

  /** Adds a node whose output has a given name: the last one of what replaces a node. */
  last(
    op: string,
    inputs: readonly string[],
    output: string,
    attributes: Record<string, Attribute> = {},
    domain = '',
  ): void {
    this.nodes.push({
      op,
      domain,
      name: `${this.#prefix}/${op}.${this.nodes.length}`,
      inputs,
      outputs: [output],
      attributes,
    });
  }

  /** Adds a constant and returns its name. */
  constant(type: GraphConstant['type'], dims: readonly number[], data: readonly number[]): string {
    const name = `${this.#prefix}/constant.${this.constants.length}`;
    this.constants.push({ name, type, dims, data });
    return name;
  }
}
