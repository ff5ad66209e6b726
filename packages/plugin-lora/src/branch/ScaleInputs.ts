import type { Tensor } from '@thimble/core';
import type { GraphConstant, GraphPort } from '@thimble/core/plugin';
import type { LayerChange } from '../layers/LayerChange.js';

/** Where a change's scale comes from. */
export interface ScaleSource {
  /** Unique among those of a component. */
  readonly name: string;
  /** A float32 tensor [1], asked at each call. */
  readonly feed: () => Tensor;
}

/** The inputs of a graph that are scales of LoRAs: one for all layers that have the same. */
export class ScaleInputs {
  readonly #sourceOf: (change: LayerChange) => ScaleSource;
  readonly #fixed: boolean;
  readonly #sources = new Map<string, ScaleSource>();

  /** `fixed`: the graph is not fed, and has the scales of now in it. */
  constructor(sourceOf: (change: LayerChange) => ScaleSource, fixed: boolean) {
    this.#sourceOf = sourceOf;
    this.#fixed = fixed;
  }

  /** The name of the value that is the scale of a change. */
  of(change: LayerChange): string {
    const source = this.#sourceOf(change);
    this.#sources.set(source.name, source);
    return source.name;
  }

  get ports(): readonly GraphPort[] {
    return this.#fixed
      ? []
      : Array.from(this.#sources.values(), ({ name, feed }) => ({ name, type: 'float32', rank: 1, feed }));
  }

  get constants(): readonly GraphConstant[] {
    return this.#fixed
      ? Array.from(this.#sources.values(), ({ name, feed }) => ({
          name,
          type: 'float32',
          dims: [1],
          data: [...(feed().data as Float32Array)],
        }))
      : [];
  }
}
