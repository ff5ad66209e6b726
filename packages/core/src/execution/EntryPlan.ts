import type { Outline } from '../graph/Outline.js';
import type { CompiledSegment } from './compileSegment.js';
import type { ComponentSegment } from './ComponentSegment.js';

/** One segment's turn in an entry point. */
export interface PlannedSegment<S = ComponentSegment> {
  readonly segment: S;
  /** Graph input → value of the entry point. */
  readonly feeds: Readonly<Record<string, string>>;
  /** Graph output → value of the entry point. */
  readonly results: Readonly<Record<string, string>>;
  /** Values that no later segment and no output needs. */
  readonly release: readonly string[];
}

/**
 * What has to run so that an entry point gives the wanted outputs: segments that nothing wanted depends on are left out, and every
 * value is released after its last use.
 */
export function planEntry<S>(
  outline: Outline,
  wanted: readonly string[],
  segmentOf: (name: string) => S,
): readonly PlannedSegment<S>[] {
  const kept = new Set(wanted.map((name) => outline.outputs.get(name) as string));
  const needed = new Set(kept);
  const plan: PlannedSegment<S>[] = [];
  for (const { name, inputs, outputs } of outline.segments.toReversed()) {
    const results = Object.fromEntries(Object.entries(outputs).filter(([, value]) => needed.has(value)));
    if (Object.keys(results).length === 0) continue;
    const release = [...new Set(Object.values(inputs))].filter((value) => !needed.has(value));
    for (const value of release) needed.add(value);
    plan.push({ segment: segmentOf(name), feeds: inputs, results, release });
  }
  return plan.toReversed();
}

/** The inputs of the entry point that its segments take as float16. */
export function halfInputsOf(
  plan: readonly PlannedSegment[],
  programs: ReadonlyMap<string, CompiledSegment>,
): ReadonlySet<string> {
  return new Set(
    plan.flatMap(({ segment, feeds }) =>
      (programs.get(segment.name)?.halfInputs ?? []).flatMap((port) => feeds[port] ?? []),
    ),
  );
}
