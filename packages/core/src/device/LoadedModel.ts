import type { InferenceSession, Tensor } from 'onnxruntime-common';
import type { OnnxModel, OnnxPart, StreamedWeight } from './OnnxModel.js';
import type { WeightStream } from './WeightStream.js';

/** Values by name. */
export type Values = Readonly<Record<string, Tensor>>;

/** What a device has loaded: a graph that runs. */
export interface LoadedModel {
  readonly name: string;
  /** Weights that are read first when it runs. */
  readonly firstWeights: readonly StreamedWeight[];
  /** Computes the `wanted` outputs. `ahead`: weights that will be read after it. */
  run(feeds: Values, wanted: readonly string[], ahead: readonly StreamedWeight[]): Promise<Values>;
  release(): Promise<void>;
}

/** A graph in one session, with its weights mapped. */
export class MappedModel implements LoadedModel {
  readonly name: string;
  readonly firstWeights = [];
  readonly #session: InferenceSession;

  constructor(name: string, session: InferenceSession) {
    this.name = name;
    this.#session = session;
  }

  async run(feeds: Values, wanted: readonly string[]): Promise<Values> {
    return this.#session.run(feeds, [...wanted]);
  }

  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** What a {@link StreamedModel} works with. */
export interface StreamedModelParts {
  readonly model: OnnxModel;
  readonly stream: WeightStream;
  readonly create: (part: OnnxPart) => Promise<InferenceSession>;
  /** The bytes of a weight as a tensor. */
  readonly tensorOf: (weight: StreamedWeight, bytes: Uint8Array) => Tensor;
  /** Told of what is not needed any more. */
  readonly drop: (tensor: Tensor | undefined) => void;
  /** Has what was dropped collected. */
  readonly collect: () => void;
}

/** A graph in parts whose weights are read before each runs, the next one's meanwhile. A part has a session as long as it runs, since one takes milliseconds to make and holds threads. */
export class StreamedModel implements LoadedModel {
  readonly name: string;
  readonly #parts: StreamedModelParts;
  readonly #graphs: readonly OnnxPart[];

  constructor(parts: StreamedModelParts) {
    this.name = parts.model.name;
    this.#parts = parts;
    this.#graphs = parts.model.parts as readonly OnnxPart[];
  }

  get firstWeights(): readonly StreamedWeight[] {
    return this.#graphs[0]?.weights ?? [];
  }

  async run(feeds: Values, wanted: readonly string[], ahead: readonly StreamedWeight[]): Promise<Values> {
    const values = new Map(Object.entries(feeds));
    for (const [i, part] of this.#graphs.entries()) {
      const later = this.#graphs.slice(i + 1);
      const needed = new Set([...wanted, ...later.flatMap(({ inputs }) => inputs)]);
      await this.#runPart(part, values, { needed, next: later[0]?.weights ?? ahead });
      for (const name of part.release) {
        // What came from outside is dropped by whom it belongs to.
        if (!(name in feeds)) this.#parts.drop(values.get(name));
        values.delete(name);
      }
      this.#parts.collect();
    }
    return Object.fromEntries(wanted.map((name) => [name, values.get(name) as Tensor]));
  }

  async release(): Promise<void> {
    // Sessions are there only while they run.
  }

  /** Apart from the run, which would keep what it names as long as it lasts. */
  async #runPart(
    part: OnnxPart,
    values: Map<string, Tensor>,
    { needed, next }: { readonly needed: ReadonlySet<string>; readonly next: readonly StreamedWeight[] },
  ): Promise<void> {
    const { stream, create, tensorOf } = this.#parts;
    const outputs = part.outputs.filter((name) => needed.has(name));
    if (outputs.length === 0) return;
    stream.announce(part.weights);
    const session = await create(part);
    try {
      using weights = await stream.take(part.weights);
      stream.announce(next);
      const feeds = Object.fromEntries([
        ...part.inputs.map((name) => [name, values.get(name) as Tensor] as const),
        ...part.weights.map((weight) => [weight.name, tensorOf(weight, weights.bytesOf(weight))] as const),
      ]);
      for (const [name, tensor] of Object.entries(await session.run(feeds, outputs))) values.set(name, tensor);
    } finally {
      await session.release();
    }
  }
}
