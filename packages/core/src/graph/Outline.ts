import type { ElementType, Graph } from './Graph.js';
import { GraphBuilder } from './GraphBuilder.js';
import { Value, type Scope } from './Value.js';

/** One segment of an {@link Outline}: which values of the outline it reads and writes. */
export interface OutlineSegment {
  /** Dotted name of the diffusers submodule. */
  readonly name: string;
  /** Graph input → value of the outline. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Graph output → value of the outline. */
  readonly outputs: Readonly<Record<string, string>>;
}

/** Takes each segment's graph as soon as it is traced, in the order in which they run. Graphs are large and soon serialised: nobody keeps them. */
export type GraphSink = (graph: Graph) => void;

/** A model entry point traced at given sizes: ordered segments, and the values that go in and come out. */
export class Outline implements Scope {
  readonly kind = 'outline';
  readonly #segments: OutlineSegment[] = [];
  readonly #outputs = new Map<string, string>();
  readonly #sink: GraphSink;

  constructor(sink: GraphSink) {
    this.#sink = sink;
  }

  /** The segments, in the order in which they run. */
  get segments(): readonly OutlineSegment[] {
    return this.#segments;
  }

  /** Output name → value of the outline. */
  get outputs(): ReadonlyMap<string, string> {
    return this.#outputs;
  }

  /** Declares an input of the entry point. */
  input(name: string, type: ElementType, dims: readonly number[]): Value {
    return new Value(this, name, type, dims);
  }

  /** Names a value as an output of the entry point. */
  output(name: string, value: Value): void {
    this.#outputs.set(name, value.name);
  }

  /** Traces `body` into a graph of its own. */
  segment<I extends Record<string, Value | undefined>, O extends Record<string, Value>>(
    name: string,
    inputs: I,
    body: (inputs: I) => O,
  ): O {
    const builder = new GraphBuilder(name);
    const given = Object.entries(inputs).filter((entry): entry is [string, Value] => entry[1] !== undefined);
    const inner = Object.fromEntries(
      given.map(([key, value]) => [key, builder.input(key, value.type, value.dims)]),
    ) as I;
    const results = Object.entries(body(inner)).map(([key, value]) => {
      builder.output(`out.${key}`, value);
      return [key, new Value(this, `${name}:${key}`, value.type, value.dims)] as const;
    });
    this.#sink(builder.build());
    this.#segments.push({
      name,
      inputs: Object.fromEntries(given.map(([key, value]) => [key, value.name])),
      outputs: Object.fromEntries(results.map(([key, value]) => [`out.${key}`, value.name])),
    });
    return Object.fromEntries(results) as unknown as O;
  }
}
