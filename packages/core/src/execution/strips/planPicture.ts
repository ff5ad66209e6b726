import { setImmediate } from 'node:timers/promises';
import { ENGINE_BYTES, type MemoryBudget, PICTURE_BYTES } from '../../device/MemoryBudget.js';
import { checkMembers } from '../../fields/checkMembers.js';
import { refuseOption } from '../../fields/refuseOption.js';
import type { Graph } from '../../graph/Graph.js';
import { RowGraph } from '../../graph/rows/RowGraph.js';
import { planStrips } from '../../graph/rows/StripPlan.js';
import { scoreBytesOf, type SeamlessPlan } from './seamlessRows.js';

/** What a picture is computed for. */
export interface PictureNeeds {
  readonly entry: 'decode' | 'encode';
  readonly budget: MemoryBudget;
  readonly signal?: AbortSignal | undefined;
}

/** How a picture is computed in strips within a memory limit. */
export interface PlannedPicture extends SeamlessPlan {
  /** What strips and the values between them may take. */
  readonly budget: number;
  /** About what both processes take. */
  readonly neededBytes: number;
}

/**
 * How a VAE's entry point computes one picture strip by strip within a memory limit, from its graph alone; `undefined` for a model that cannot be cut into rows.
 *
 * @throws `signal.reason`
 */
export async function planPicture(graph: () => Graph, needs: PictureNeeds): Promise<PlannedPicture | undefined> {
  if (typeof graph !== 'function') refuseOption('graph', graph, 'a function that gives a graph');
  checkMembers('needs', needs, 'what a picture is computed for', ['entry', 'budget']);
  const { entry, budget, signal } = needs;
  checkMembers('budget', budget, 'a MemoryBudget', ['stripBytes']);
  const model = rowsOrUndefined(() => new RowGraph(graph()));
  if (model === undefined) return undefined;
  const pixels = Math.max(...[...model.graph.inputs, ...model.graph.outputs].map(({ name }) => areaOf(model, name)));
  const bytes = budget.stripBytes(pixels, entry);
  await setImmediate();
  const strips = await planStrips(model, { bytes, spillType: 'float32' }, signal);
  const neededBytes = ENGINE_BYTES + pixels * PICTURE_BYTES[entry] + strips.bytes + 2 * scoreBytesOf(bytes);
  return { model, strips, budget: bytes, neededBytes };
}

function areaOf({ graph }: RowGraph, value: string): number {
  return graph
    .shapeOf(value)
    .slice(-2)
    .reduce((a, b) => a * b, 1);
}

function rowsOrUndefined(make: () => RowGraph): RowGraph | undefined {
  try {
    return make();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
