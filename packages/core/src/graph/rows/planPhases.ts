import type { GraphNode } from '../Graph.js';
import type { RowGraph } from './RowGraph.js';

/** A walk over all rows that computes some values out of earlier phases' values. */
export interface Phase {
  /** Values that it computes, all of one height. */
  readonly outputs: readonly string[];
  /** Values that it reads. */
  readonly reads: readonly string[];
  /** An attention in it, whose keys and values are among what it reads. */
  readonly attention: GraphNode | undefined;
  /** Values that no later phase reads. */
  readonly last: readonly string[];
}

/**
 * Cuts a graph where a row depends on all rows: at what is normalised, because its statistics have to be known before, and at the keys and
 * values of attention.
 */
export function planPhases(model: RowGraph): readonly Phase[] {
  const { graph, norms, attentions } = model;
  const kept = new Set([
    ...graph.inputs.map(({ name }) => name),
    ...norms.map(({ input }) => input),
    ...attentions.flatMap(({ inputs }) => inputs.slice(1)),
    ...graph.outputs.map(({ name }) => name),
  ]);
  const together = new Map(attentions.flatMap((node) => node.inputs.slice(1).map((name) => [name, node] as const)));
  const phases: { outputs: string[]; reads: readonly string[]; attention: GraphNode | undefined }[] = [];
  const seen = new Map<GraphNode, number>();
  for (const node of graph.nodes) {
    const value = node.outputs[0] as string;
    if (!kept.has(value)) continue;
    const owner = together.get(value);
    const known = owner === undefined ? undefined : seen.get(owner);
    if (known !== undefined) {
      phases[known]?.outputs.push(value);
      continue;
    }
    if (owner !== undefined) seen.set(owner, phases.length);
    phases.push({ outputs: [value], ...sourcesOf(model, value, kept) });
  }
  const lastReader = new Map<string, number>();
  for (const [i, { reads }] of phases.entries()) for (const value of reads) lastReader.set(value, i);
  return phases.map((phase, i) => ({ ...phase, last: phase.reads.filter((value) => lastReader.get(value) === i) }));
}

/** Back from a value to the nearest ones that are kept. */
function sourcesOf(
  model: RowGraph,
  value: string,
  kept: ReadonlySet<string>,
): { readonly reads: readonly string[]; readonly attention: GraphNode | undefined } {
  const needed = new Set([value]);
  const reads = new Set<string>();
  let attention: GraphNode | undefined;
  for (const node of model.graph.nodes.toReversed()) {
    const output = node.outputs[0] as string;
    if (!needed.has(output)) continue;
    const site = model.normOf(node);
    if (site === undefined && model.attentions.includes(node)) attention = node;
    for (const input of site === undefined ? node.inputs : [site.input]) {
      if (kept.has(input)) reads.add(input);
      else if (model.layoutOf(input) !== undefined) needed.add(input);
    }
  }
  return { reads: [...reads], attention };
}
