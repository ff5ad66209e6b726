import { inSlices } from '../inSlices.js';
import { cutRows, type StoredType } from './cutRows.js';
import { peakBytes } from '../peakBytes.js';
import { type Phase, planPhases } from './planPhases.js';
import type { RowGraph } from './RowGraph.js';
import type { Rows } from './RowLayout.js';

/** What is planned for. */
export interface StripBudget {
  /** Bytes for what one strip computes, and for the values between phases, together. */
  readonly bytes: number;
  /** Element type of values that are spilled to disk. */
  readonly spillType: StoredType;
}

/** Where a value lies between phases. */
export interface Placement {
  readonly type: StoredType;
  readonly spilled: boolean;
  readonly bytes: number;
}

/** A phase with its strips. */
export interface PlannedPhase extends Phase {
  readonly strips: readonly Rows[];
}

/** How a graph is computed strip by strip within a budget. */
export interface StripPlan {
  readonly phases: readonly PlannedPhase[];
  readonly placements: ReadonlyMap<string, Placement>;
  /** Most bytes in memory at once: of strips, and of values between phases. */
  readonly bytes: number;
  /** Most bytes on disk at once. */
  readonly diskBytes: number;
  /** Bytes written to and read from disk over all. */
  readonly trafficBytes: number;
}

/** Share of the budget for one strip. */
const STRIP_SHARE = 1 / 4;

/** What a strip takes is there twice: as long as its results wait to be collected, the next one is computed. The rest keeps values in memory. */
const STRIPS_AT_ONCE = 2;

/** A strip gains nothing from more: its values leave the processor's caches long before. */
const MOST_STRIP_BYTES = 64 * 2 ** 20;

/** Plans strips as high, and as many values in memory, as the budget has room for; in slices of time, so that others have their turn meanwhile. @throws `signal.reason` */
export async function planStrips(
  model: RowGraph,
  { bytes, spillType }: StripBudget,
  signal?: AbortSignal,
): Promise<StripPlan> {
  const phases = planPhases(model);
  const forStrips = Math.min(MOST_STRIP_BYTES, bytes * STRIP_SHARE);
  const placements = place(model, phases, bytes - STRIPS_AT_ONCE * forStrips, spillType);
  const cut: Strips[] = [];
  await inSlices(phases, signal, (phase) => cut.push(stripsOf(model, phase, forStrips)));
  const planned = phases.map((phase, i) => ({ ...phase, strips: (cut[i] as Strips).rows }));
  const bytesOf = (values: readonly string[], spilled: boolean): number =>
    values.reduce((sum, value) => {
      const placement = placements.get(value);
      return placement?.spilled === spilled ? sum + placement.bytes : sum;
    }, 0);
  const live = livePerPhase(phases);
  return {
    phases: planned,
    placements,
    bytes: Math.max(0, ...live.map((values, i) => STRIPS_AT_ONCE * (cut[i] as Strips).bytes + bytesOf(values, false))),
    diskBytes: Math.max(0, ...live.map((values) => bytesOf(values, true))),
    trafficBytes: phases.reduce((sum, { reads, outputs }) => sum + bytesOf([...reads, ...outputs], true), 0),
  };
}

function place(
  model: RowGraph,
  phases: readonly Phase[],
  bytes: number,
  spillType: StoredType,
): ReadonlyMap<string, Placement> {
  const live = livePerPhase(phases);
  const taken = live.map(() => 0);
  const placements = new Map<string, Placement>();
  const finals = new Set(model.graph.outputs.map(({ name }) => name));
  for (const value of new Set(live.flat())) {
    if (finals.has(value)) continue;
    const size = model.graph.shapeOf(value).reduce((a, b) => a * b, 1);
    const when = live.flatMap((values, i) => (values.includes(value) ? [i] : []));
    const fits = when.every((i) => (taken[i] as number) + size * 4 <= bytes);
    if (fits) for (const i of when) taken[i] = (taken[i] as number) + size * 4;
    const type = fits ? 'float32' : spillType;
    placements.set(value, { type, spilled: !fits, bytes: size * (type === 'float32' ? 4 : 2) });
  }
  return placements;
}

/** The values that are there during each phase: those it reads and makes, and those that later ones read. */
function livePerPhase(phases: readonly Phase[]): readonly (readonly string[])[] {
  const live: string[][] = [];
  let waiting: readonly string[] = [];
  for (const { reads, outputs, last } of phases) {
    const now = [...new Set([...waiting, ...reads, ...outputs])];
    live.push(now);
    waiting = now.filter((value) => !last.includes(value));
  }
  return live;
}

interface Strips {
  readonly rows: readonly Rows[];
  /** What one of them takes. */
  readonly bytes: number;
}

/** Strips of equal height, the last one maybe lower, each within `bytes` as far as two rows are. */
function stripsOf(model: RowGraph, phase: Phase, bytes: number): Strips {
  const height = model.heightOf(phase.outputs[0] as string);
  if (height <= 4) return { rows: [{ start: 0, count: height }], bytes: stripBytes(model, phase, height) };
  const [two, four] = [stripBytes(model, phase, 2), stripBytes(model, phase, 4)];
  const perRow = (four - two) / 2;
  const most = Math.max(2, Math.min(height, Math.floor((bytes - two) / perRow) + 2));
  // An even number of rows keeps strips alike where rows are doubled.
  const count = Math.min(height, 2 * Math.ceil(height / Math.ceil(height / most) / 2));
  const rows = Array.from({ length: Math.ceil(height / count) }, (_, i) => ({
    start: i * count,
    count: Math.min(count, height - i * count),
  }));
  return { rows, bytes: two + perRow * (count - 2) };
}

function stripBytes(model: RowGraph, { outputs, reads, attention }: Phase, count: number): number {
  const middle = { start: Math.floor((model.heightOf(outputs[0] as string) - count) / 2), count };
  const given = new Set([...reads, ...(attention === undefined ? [] : attention.outputs)]);
  return peakBytes(
    cutRows(model, { name: 'strip', outputs, rows: middle, given, measured: model.groupsOf(outputs) }).graph,
  );
}
