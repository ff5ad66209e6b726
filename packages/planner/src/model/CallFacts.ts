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
  /** As they are stored. */
  readonly bytes: number;
  /** Elements in all. */
  readonly elements: number;
  /** Elements that are stored in another type than float32, and widened whenever they are used. */
  readonly narrow: number;
  /** Of the segment that has most. */
  readonly largestSegment: number;
}

/** What is known of one call of a model from its graphs and the headers of its weights. Each figure is worked out once, when it is asked for. */
export class CallFacts {
  readonly #component: ComponentHandle;
  readonly #entry: string;
  readonly #shapes: (batch: number) => InputShapes;
  readonly #traces = new Map<number, EntryTrace>();
  readonly #values = new Map<string, number>();
  readonly #pictures = new Map<number, Promise<PlannedPicture | undefined>>();
  #operations: Operations | undefined;
  #weights: WeightFacts | undefined;

  /** `shapes`: those of the inputs, for a number of samples. */
  constructor(component: ComponentHandle, entry: string, shapes: (batch: number) => InputShapes) {
    this.#component = component;
    this.#entry = entry;
    this.#shapes = shapes;
  }

  get segments(): number {
    return this.#trace(1).graphs.length;
  }

  /** Nodes of all graphs. */
  get nodes(): number {
    return this.#trace(1).graphs.reduce((sum, { nodes }) => sum + nodes.length, 0);
  }

  /** Of one sample. */
  get operations(): Operations {
    const { latents } = this;
    this.#operations ??= sumOperations(this.#trace(1).graphs.map((graph) => operationsOf(graph, latents)));
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

  /** Of the picture that a VAE makes. */
  get pixels(): number {
    const last = this.#trace(1).graphs.at(-1);
    const dims = last?.shapes.get(last.outputs[0]?.name ?? '') ?? [];
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
      planPicture(() => this.#component.model.graph(entry, this.#shapes(1)), { entry, budget });
    this.#pictures.set(key, known);
    return known;
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
    const known =
      this.#traces.get(batch) ?? new EntryTrace(model, model.entries[this.#entry] as ModelEntry, this.#shapes(batch));
    this.#traces.set(batch, known);
    return known;
  }

  #readWeights(): WeightFacts {
    const all = new Map<string, { readonly bytes: number; readonly elements: number; readonly narrow: boolean }>();
    const { weights } = this.#component;
    const bytesOf = ({ weights: used }: Graph): number => {
      const keys = new Set(used.map(({ key }) => key));
      for (const key of keys) {
        const view = weights.find(key);
        if (view === undefined || all.has(key)) continue;
        const elements = view.shape.reduce((a, b) => a * b, 1);
        all.set(key, { bytes: view.byteLength, elements, narrow: view.dtype !== 'float32' && view.dtype !== 'F32' });
      }
      return [...keys].reduce((sum, key) => sum + (all.get(key)?.bytes ?? 0), 0);
    };
    const largestSegment = Math.max(0, ...this.#trace(1).graphs.map(bytesOf));
    const list = [...all.values()];
    return {
      bytes: list.reduce((sum, { bytes }) => sum + bytes, 0),
      elements: list.reduce((sum, { elements }) => sum + elements, 0),
      narrow: list.reduce((sum, { elements, narrow }) => sum + (narrow ? elements : 0), 0),
      largestSegment,
    };
  }
}
