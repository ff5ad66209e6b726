import {
  type Alternative,
  type MemoryPlanner,
  type Plan,
  QUALITIES,
  type Quality,
  type RunShape,
} from '@thimble/planner';

const MB = 2 ** 20;

/** Amounts of memory that are looked at, in bytes; none is the last. */
const RUNGS: readonly (number | undefined)[] = [
  ...[128, 160, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 8192, 16_384].map((megabytes) => megabytes * MB),
  undefined,
];

/** The best that an amount of memory is good for. */
export interface PlanRung {
  /** In bytes; `null` = no limit. */
  readonly limitBytes: number | null;
  /** The fastest of each quality up to the one that was asked for; `null` where nothing of it fits. */
  readonly best: Readonly<Partial<Record<Quality, Alternative | null>>>;
}

/** What `thimble plan` tells. */
export interface PlanReport extends Omit<Plan, 'plugins'> {
  /** Names. */
  readonly plugins: readonly string[];
  readonly run: RunShape;
  readonly rungs: readonly PlanRung[];
}

/** What each amount of memory is good for. @throws `signal.reason` */
export async function planRungs(
  planner: MemoryPlanner,
  quality: Quality,
  signal: AbortSignal,
): Promise<readonly PlanRung[]> {
  const qualities = QUALITIES.slice(0, QUALITIES.indexOf(quality) + 1);
  const rungs: PlanRung[] = [];
  for (const limitBytes of RUNGS) {
    signal.throwIfAborted();
    const best: Partial<Record<Quality, Alternative | null>> = {};
    for (const each of qualities) best[each] = (await planner.best(limitBytes, each)) ?? null;
    rungs.push({ limitBytes: limitBytes ?? null, best });
  }
  return rungs;
}
