import type { Graph } from '../graph/Graph.js';
import type { Outline } from '../graph/Outline.js';
import { type AttentionLowering, lowerAttention } from '../graph/passes/AttentionLowering.js';
import { defaultAttention } from '../graph/passes/defaultAttention.js';
import { lowerGraph } from '../graph/lower.js';
import { FLOAT32_BYTES } from '../graph/passes/float32Bytes.js';
import type { InputShapes, Model, ModelEntry } from '../models/Model.js';
import { checkMembers } from '../fields/checkMembers.js';
import { planEntry } from './EntryPlan.js';
import { firstAlike } from './firstAlike.js';
import { memoryNeed } from './memoryNeed.js';

/** What {@link EntryTrace.valueBytes} goes by. */
export interface ValueLimits {
  /** What a layer may take for itself at once, in bytes. */
  readonly transientBytes: number;
  /** From how many bytes on a value that waits for a later segment is kept in a file. Default: none is. */
  readonly parkedFrom?: number | undefined;
}

/** An entry point of a model, traced at the sizes of a call: what can be known of it from its graphs alone, with neither weights nor a device. Tracing takes tens of milliseconds. */
export class EntryTrace {
  readonly outline: Outline;
  /** Of the segments that run, in order, before any plugin has seen them. */
  readonly graphs: readonly Graph[];
  readonly #ran: Pick<Outline, 'segments' | 'outputs'>;
  #alike: readonly Graph[] | undefined;

  /** `wanted`: outputs that are asked for; segments that none of them depends on are left out. By default all segments are there. */
  constructor(model: Model, entry: ModelEntry, shapes: InputShapes, wanted?: readonly string[]) {
    checkMembers('model', model, 'a model', ['outline']);
    checkMembers('entry', entry, 'an entry point of a model', ['forward']);
    checkMembers('shapes', shapes, 'the shapes of inputs', []);
    const graphs: Graph[] = [];
    this.outline = model.outline(entry, shapes, (graph) => graphs.push(graph));
    this.#ran = wanted === undefined ? this.outline : ranFor(this.outline, wanted);
    const ran = new Set(this.#ran.segments.map(({ name }) => name));
    this.graphs = graphs.filter(({ name }) => ran.has(name));
  }

  /** In the order of {@link EntryTrace.graphs}, of each graph the first that has the same operations, wiring and sizes: what follows from those alone is worked out once for layers that repeat. */
  get alike(): readonly Graph[] {
    this.#alike ??= firstAlike(this.graphs);
    return this.#alike;
  }

  /** About how many bytes its values take at once, weights not counted, where its segments run one after the other. */
  valueBytes({ transientBytes, parkedFrom }: ValueLimits): number {
    return memoryNeed(this.#ran, this.alike, {
      transientBytes,
      ...(parkedFrom === undefined ? {} : { parkedFrom }),
    });
  }

  /** About how many nodes its graphs have once they are lowered for the runtime, where a layer may take so much for itself: attention that takes its heads one by one is most of them. */
  runtimeNodes(transientBytes: number): number {
    const lowering = defaultAttention(transientBytes, 'cpu');
    // What keeps queries from seeing later keys is a large constant, and a node or two.
    const uncaused: AttentionLowering = (site, emit) => lowering({ ...site, causal: false }, emit);
    const counted = new Map<Graph, number>();
    return this.alike.reduce((sum, graph) => {
      const nodes =
        counted.get(graph) ??
        lowerGraph(lowerAttention(graph, uncaused), { bytes: transientBytes, activations: 'float32', provider: 'cpu' })
          .nodes.length;
      counted.set(graph, nodes);
      return sum + nodes;
    }, 0);
  }

  /** Bytes of its largest value. */
  get largestValue(): number {
    let largest = 0;
    for (const { shapes } of new Set(this.alike))
      for (const dims of shapes.values())
        largest = Math.max(
          largest,
          dims.reduce((a, b) => a * b, FLOAT32_BYTES),
        );
    return largest;
  }
}

function ranFor(outline: Outline, wanted: readonly string[]): Pick<Outline, 'segments' | 'outputs'> {
  const planned = new Set(planEntry(outline, wanted, (name) => name).map(({ segment }) => segment));
  return {
    segments: outline.segments.filter(({ name }) => planned.has(name)),
    outputs: new Map([...outline.outputs].filter(([name]) => wanted.includes(name))),
  };
}
