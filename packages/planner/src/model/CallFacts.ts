import type { InputShapes, ModelEntry } from '@thimble/core/model';
import {
  type ComponentHandle,
  EntryTrace,
  type Graph,
  type MemoryBudget,
  type PlannedPicture,
  planPicture,
} from '@thimble/core/plugin';
import { type Operations, operationsOf, sumOperations } from './operationsOf.js';

/** Weights of an entry point. */
export interface WeightFacts {
  /** That a call reads, as they are stored: of a table whose rows are gathered those rows alone. */
  readonly bytes: number;
  /** Elements in all. */
  readonly elements: number;
  /** Elements that are stored in another type than float32, and widened whenever they are used. */
  readonly narrow: number;
  /** The segment that reads most. */
  readonly largestSegment: NamedBytes;
  /** The weight of which most is read. */
  readonly largestWeight: NamedBytes;
}

/** How many bytes something takes, and what it is called. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: number;
}

/** What is known of one call of a model from its graphs and the headers of its weights. Each figure is worked out once, when it is asked for. */
export class CallFacts {
  readonly #component: ComponentHandle;
  readonly #entry: string;
  readonly #shapes: (batch: number) => InputShapes;
  readonly #outputs: readonly string[] | undefined;
  readonly #traces = new Map<number, EntryTrace>();
  readonly #values = new Map<string, number>();
  readonly #nodes = new Map<number, number>();
  readonly #pictures = new Map<number, Promise<PlannedPicture | undefined>>();
  #graph: Graph | undefined;
  #operations: Operations | undefined;
  #weights: WeightFacts | undefined;

  /** `shapes`: those of the inputs, for a number of samples; `outputs`: what is asked for, by default what the entry point gives. */
  constructor(
    component: ComponentHandle,
    entry: string,
    shapes: (batch: number) => InputShapes,
    outputs?: readonly string[],
  ) {
    this.#component = component;
    this.#entry = entry;
    this.#shapes = shapes;
    this.#outputs = outputs;
  }

  get segments(): number {
    return this.#trace(1).graphs.length;
  }

  /** Of all graphs, as the runtime has them; see {@link EntryTrace.runtimeNodes}. */
  nodes(transientBytes: number): number {
    const known = this.#nodes.get(transientBytes) ?? this.#trace(1).runtimeNodes(transientBytes);
    this.#nodes.set(transientBytes, known);
    return known;
  }

  /** Of one sample. */
  get operations(): Operations {
    this.#operations ??= this.#countOperations();
    return this.#operations;
  }

  get weights(): WeightFacts {
    this.#weights ??= this.#readWeights();
    return this.#weights;
  }

  /** Pixels of the latents that a denoiser is given. */
  get latents(): number {
    const [first] = Object.values(this.#shapes(1));
    return first?.dims.length === 4 ? first.dims.slice(-2).reduce((a, b) => a * b, 1) : 0;
  }

  /** Of the picture that a VAE makes, or encodes. */
  get pixels(): number {
    const last = this.#trace(1).graphs.at(-1);
    const made = last?.shapes.get(last.outputs[0]?.name ?? '') ?? [];
    const dims = this.#entry === 'encode' ? (Object.values(this.#shapes(1))[0]?.dims ?? []) : made;
    return dims.slice(-2).reduce((a, b) => a * b, 1);
  }

  /** Bytes of the largest value of one sample. */
  get largestValue(): number {
    return this.#trace(1).largestValue;
  }

  /** About how many bytes the values of so many samples take; see {@link EntryTrace.valueBytes}. */
  valueBytes(batch: number, transientBytes: number, parkedFrom: number): number {
    const key = `${batch} ${transientBytes} ${parkedFrom}`;
    const known = this.#values.get(key) ?? this.#valueBytes(batch, transientBytes, parkedFrom);
    this.#values.set(key, known);
    return known;
  }

  /** How a VAE's picture is computed in strips within a limit. */
  async picture(budget: MemoryBudget): Promise<PlannedPicture | undefined> {
    const key = budget.limit ?? Infinity;
    const entry = this.#entry as 'decode' | 'encode';
    const known =
      this.#pictures.get(key) ??
      planPicture(() => (this.#graph ??= this.#component.model.graph(entry, this.#shapes(1))), { entry, budget });
    this.#pictures.set(key, known);
    return known;
  }

  #countOperations(): Operations {
    const { latents } = this;
    const counted = new Map<Graph, Operations>();
    return sumOperations(
      this.#trace(1).alike.map((graph) => {
        const known = counted.get(graph) ?? operationsOf(graph, latents);
        counted.set(graph, known);
        return known;
      }),
    );
  }

  /** Samples with inputs of their own, such as texts of different lengths, are computed one beside the other. */
  #valueBytes(batch: number, transientBytes: number, parkedFrom: number): number {
    const { inputs } = this.#component.model.entries[this.#entry] as ModelEntry;
    const apart = Object.values(inputs).some(({ sample }) => sample !== undefined);
    const bytes = this.#trace(apart ? 1 : batch).valueBytes({ transientBytes, parkedFrom });
    return apart ? bytes * batch : bytes;
  }

  #trace(batch: number): EntryTrace {
    const { model } = this.#component;
    const entry = model.entries[this.#entry] as ModelEntry;
    const known = this.#traces.get(batch) ?? new EntryTrace(model, entry, this.#shapes(batch), this.#outputs);
    this.#traces.set(batch, known);
    return known;
  }

  #readWeights(): WeightFacts {
    const all = new Map<string, WeightFact>();
    const { weights } = this.#component;
    const readBy = (graph: Graph): NamedBytes => {
      const rows = gatheredRows(graph);
      const used = new Map(
        graph.weights.map(({ key, name, dims }) => [key, (rows.get(name) ?? Infinity) / (dims[0] ?? 1)]),
      );
      let bytes = 0;
      for (const [key, share] of used) {
        const view = weights.find(key);
        if (view === undefined) continue;
        const read = Math.min(1, share);
        bytes += Math.round(view.byteLength * read);
        if (all.has(key)) continue;
        const elements = Math.round(view.shape.reduce((a, b) => a * b, 1) * read);
        const narrow = view.dtype !== 'float32' && view.dtype !== 'F32';
        all.set(key, { name: key, bytes: Math.round(view.byteLength * read), elements, narrow });
      }
      return { name: graph.name, bytes };
    };
    const segments = this.#trace(1).graphs.map(readBy);
    const list = [...all.values()];
    return {
      bytes: list.reduce((sum, { bytes }) => sum + bytes, 0),
      elements: list.reduce((sum, { elements }) => sum + elements, 0),
      narrow: list.reduce((sum, { elements, narrow }) => sum + (narrow ? elements : 0), 0),
      largestSegment: largestOf(segments),
      largestWeight: largestOf(list),
    };
  }
}

interface WeightFact extends NamedBytes {
  readonly elements: number;
  readonly narrow: boolean;
}

/** The tables of a graph of which nothing but rows is read, by their names: how many rows at most. */
function gatheredRows({ nodes, shapes }: Graph): ReadonlyMap<string, number> {
  const rows = new Map<string, number>();
  if (!nodes.some(({ op }) => op === 'Gather')) return rows;
  const whole = new Set<string>();
  for (const { op, inputs, attributes } of nodes) {
    const { axis } = attributes;
    const [table, ...others] = inputs;
    const isRows = op === 'Gather' && (axis === undefined || ('int' in axis && axis.int === 0));
    for (const name of isRows ? others : inputs) whole.add(name);
    if (!isRows || table === undefined) continue;
    const count = (shapes.get(others[0] ?? '') ?? []).reduce((a, b) => a * b, 1);
    rows.set(table, (rows.get(table) ?? 0) + count);
  }
  return new Map([...rows].filter(([name]) => !whole.has(name)));
}

function largestOf(all: readonly NamedBytes[]): NamedBytes {
  const largest = all.reduce((most, each) => (each.bytes > most.bytes ? each : most), { name: '', bytes: 0 });
  return { name: largest.name, bytes: largest.bytes };
}
