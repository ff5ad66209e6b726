import type { Emitter, Graph, GraphNode } from '@thimble/core/plugin';

/** A tensor in eight bits: (codes − zero) · scale. */
export interface QuantizedValue {
  /** uint8. */
  readonly codes: string;
  /** float32 scalar. */
  readonly scale: string;
  /** uint8 scalar. */
  readonly zero: string;
}

const REARRANGING = new Set(['Reshape', 'Transpose']);

/** Quantises the activations of a graph, each once however many layers read it: one range for a whole tensor, found as it is computed. */
export class QuantizedValues {
  readonly #makers: ReadonlyMap<string, GraphNode>;
  readonly #origins = new Map<string, string>();
  readonly #quantized = new Map<string, QuantizedValue>();
  readonly #pixels = new Map<string, QuantizedValue>();

  constructor(graph: Graph) {
    this.#makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)));
    const constants = new Map(graph.constants.map(({ name, data }) => [name, data.join()]));
    const reshapes = new Map<string, string>();
    for (const node of graph.nodes) {
      if (node.op !== 'Reshape') continue;
      const id = `${node.inputs[0]} ${constants.get(node.inputs[1] as string) ?? node.inputs[1]}`;
      const output = node.outputs[0] as string;
      // Every linear layer flattens its input for itself.
      if (!reshapes.has(id)) reshapes.set(id, output);
      this.#origins.set(output, reshapes.get(id) as string);
    }
  }

  /** The value in eight bits, in its own shape. */
  of(value: string, emit: Emitter): QuantizedValue {
    const origin = this.#origins.get(value) ?? value;
    return remember(this.#quantized, origin, () => this.#rearranged(origin, emit) ?? quantize(origin, emit));
  }

  /** What is only rearranged is quantised before: a quarter of the bytes have to be moved. */
  #rearranged(value: string, emit: Emitter): QuantizedValue | undefined {
    const maker = this.#makers.get(value);
    if (maker === undefined || !REARRANGING.has(maker.op)) return undefined;
    const [source, ...rest] = maker.inputs as [string, ...string[]];
    const before = remember(this.#quantized, source, () => this.#rearranged(source, emit) ?? quantize(source, emit));
    return { ...before, codes: emit.one(maker.op, [before.codes, ...rest], { ...maker.attributes }) };
  }

  /** A value [n, c, h, w] in eight bits as [n, h, w, c]. */
  pixelsOf(value: string, emit: Emitter): QuantizedValue {
    return remember(this.#pixels, value, () => {
      const { codes, ...range } = this.of(value, emit);
      return { ...range, codes: emit.one('Transpose', [codes], { perm: { ints: [0, 2, 3, 1] } }) };
    });
  }
}

function quantize(value: string, emit: Emitter): QuantizedValue {
  const [codes, scale, zero] = emit.many('DynamicQuantizeLinear', [value], 3) as [string, string, string];
  return { codes, scale, zero };
}

function remember(known: Map<string, QuantizedValue>, name: string, make: () => QuantizedValue): QuantizedValue {
  const made = known.get(name) ?? make();
  known.set(name, made);
  return made;
}
