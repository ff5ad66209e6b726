import { Emitter } from '../Emitter.js';
import type { ElementType, GraphConstant, GraphWeight } from '../Graph.js';

/** What all emitters of one lowering share: bytes of weights as operators read them, and constants that more than one weight needs. */
export class Initializers {
  readonly #weights = new Map<string, GraphWeight>();
  readonly #constants = new Map<string, GraphConstant>();

  /** By name. */
  get weights(): ReadonlyMap<string, GraphWeight> {
    return this.#weights;
  }

  get constants(): readonly GraphConstant[] {
    return [...this.#constants.values()];
  }

  /** Adds a weight; one of the same name that is read as something else gets a name of its own. */
  add(weight: GraphWeight): string {
    const known = this.#weights.get(weight.name);
    const same = known === undefined || (known.type === weight.type && known.dims.join() === weight.dims.join());
    const name = same ? weight.name : `${weight.name}/${weight.type}[${weight.dims.join()}]`;
    if (!this.#weights.has(name)) this.#weights.set(name, { ...weight, name });
    return name;
  }

  /** A scalar, stored once. */
  scalar(type: GraphConstant['type'], value: number): string {
    const name = `widen/${type}/${value}`;
    this.#constants.set(name, { name, type, dims: [], data: [value] });
    return name;
  }
}

/** An {@link Emitter} for storage formats: it also declares how the runtime sees the bytes of a weight. */
export class StorageEmitter extends Emitter {
  /** Whether to choose nodes that are fastest on the CPU provider, in place of the fewest. */
  readonly fast: boolean;
  readonly #initializers: Initializers;

  constructor(prefix: string, initializers: Initializers, fast: boolean) {
    super(prefix);
    this.#initializers = initializers;
    this.fast = fast;
  }

  /** The bytes of a weight as a tensor of `type` and `dims`, which together must take as many. The same bytes may be read in several ways. */
  bytes(weight: GraphWeight, type: ElementType, dims: readonly number[] = weight.dims): string {
    return this.#initializers.add({ ...weight, type, dims });
  }

  /** A scalar that is the same for all weights. */
  scalar(type: GraphConstant['type'], value: number): string {
    return this.#initializers.scalar(type, value);
  }
}
