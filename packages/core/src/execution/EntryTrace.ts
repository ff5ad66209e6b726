import type { Graph } from '../graph/Graph.js';
import type { Outline } from '../graph/Outline.js';
import { FLOAT32_BYTES } from '../graph/passes/float32Bytes.js';
import type { InputShapes, Model, ModelEntry } from '../models/Model.js';
import { checkMembers } from '../fields/checkMembers.js';
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
  /** Of the segments, in order, before any plugin has seen them. */
  readonly graphs: readonly Graph[];

  constructor(model: Model, entry: ModelEntry, shapes: InputShapes) {
    checkMembers('model', model, 'a model', ['outline']);
    checkMembers('entry', entry, 'an entry point of a model', ['forward']);
    checkMembers('shapes', shapes, 'the shapes of inputs', []);
    const graphs: Graph[] = [];
    this.outline = model.outline(entry, shapes, (graph) => graphs.push(graph));
    this.graphs = graphs;
  }

  /** About how many bytes its values take at once, weights not counted, where its segments run one after the other. */
  valueBytes({ transientBytes, parkedFrom }: ValueLimits): number {
    return memoryNeed(this.outline, this.graphs, {
      transientBytes,
      ...(parkedFrom === undefined ? {} : { parkedFrom }),
    });
  }

  /** Bytes of its largest value. */
  get largestValue(): number {
    let largest = 0;
    for (const { shapes } of this.graphs)
      for (const dims of shapes.values())
        largest = Math.max(
          largest,
          dims.reduce((a, b) => a * b, FLOAT32_BYTES),
        );
    return largest;
  }
}
