import {
  Graph,
  type Attribute,
  type ElementType,
  type GraphConstant,
  type GraphNode,
  type GraphPort,
  type GraphWeight,
} from './Graph.js';
import { Value, type Scope } from './Value.js';

/** What an operation yields: its shape, and its element type where that differs from the first input's. */
export interface EmitResult {
  readonly dims: readonly number[];
  readonly type?: ElementType;
}

/** Collects the nodes, weights and constants of one {@link Graph}. */
export class GraphBuilder implements Scope {
  readonly kind = 'graph';
  readonly name: string;
  readonly #inputs: GraphPort[] = [];
  readonly #outputs: GraphPort[] = [];
  readonly #nodes: GraphNode[] = [];
  readonly #constants = new Map<string, GraphConstant>();
  readonly #weights = new Map<string, GraphWeight>();
  readonly #shapes = new Map<string, readonly number[]>();
  #count = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Declares a graph input. */
  input(name: string, type: ElementType, dims: readonly number[]): Value {
    this.#inputs.push({ name, type, rank: dims.length });
    return this.#value(name, type, dims);
  }

  /** Names a value as a graph output. */
  output(name: string, value: Value): void {
    this.#nodes.push({
      op: 'Identity',
      domain: '',
      name: `output.${name}`,
      inputs: [value.name],
      outputs: [name],
      attributes: {},
    });
    this.#shapes.set(name, value.dims);
    this.#outputs.push({ name, type: value.type, rank: value.dims.length });
  }

  /** Adds a node with one output. */
  emit(
    op: string,
    inputs: readonly (Value | undefined)[],
    result: EmitResult,
    attributes: Record<string, Attribute> = {},
    domain = '',
  ): Value {
    const [value] = this.emitMany(op, inputs, [result], attributes, domain);
    return value as Value;
  }

  /** Adds a node with one output per entry of `results`; `undefined` inputs are omitted optional ones. */
  emitMany(
    op: string,
    inputs: readonly (Value | undefined)[],
    results: readonly EmitResult[],
    attributes: Record<string, Attribute> = {},
    domain = '',
  ): Value[] {
    const name = `${op}.${this.#count++}`;
    const type = inputs.find((input) => input !== undefined)?.type ?? 'float32';
    const values = results.map((result, i) =>
      this.#value(results.length === 1 ? name : `${name}.${i}`, result.type ?? type, result.dims),
    );
    this.#nodes.push({
      op,
      domain,
      name,
      attributes,
      inputs: inputs.map((input) => input?.name ?? ''),
      outputs: values.map((value) => value.name),
    });
    return values;
  }

  /** A small constant; equal ones are stored once. */
  constant(type: GraphConstant['type'], dims: readonly number[], data: readonly number[]): Value {
    const id = `${type}[${dims.join()}]:${data.join()}`;
    const known = this.#constants.get(id);
    const constant = known ?? { name: `constant.${this.#constants.size}`, type, dims, data };
    this.#constants.set(id, constant);
    return this.#value(constant.name, type, dims);
  }

  /** A weight of the checkpoint, or `count` rows of it from `start`, seen with the shape `dims`. */
  weight(key: string, shape: readonly number[], dims: readonly number[], rows: readonly [number, number]): Value {
    const [start, count] = rows;
    const whole = start === 0 && count === shape[0];
    const name = `${key}${whole ? '' : `[${start}:${start + count}]`}${dims.length === shape.length ? '' : `:${dims.join('x')}`}`;
    if (!this.#weights.has(name)) this.#weights.set(name, { name, key, shape, dims, rows, type: 'float32' });
    return this.#value(name, 'float32', dims);
  }

  /** The finished graph. */
  build(): Graph {
    return new Graph({
      name: this.name,
      inputs: this.#inputs,
      outputs: this.#outputs,
      nodes: this.#nodes,
      constants: [...this.#constants.values()],
      weights: [...this.#weights.values()],
      shapes: this.#shapes,
    });
  }

  #value(name: string, type: ElementType, dims: readonly number[]): Value {
    this.#shapes.set(name, dims);
    return new Value(this, name, type, dims);
  }
}
