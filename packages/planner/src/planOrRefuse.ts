import { checkMembers } from '@thimble/core/plugin';
import { inSteadyHeap } from './inSteadyHeap.js';
import type { MemoryPlanner } from './MemoryPlanner.js';
import type { Plan } from './Plan.js';
import type { Quality } from './techniques/Setup.js';

/** What is planned for. */
export interface PlanRequest {
  /** In bytes; `undefined` = no limit. */
  readonly limitBytes: number | undefined;
  readonly quality: Quality;
  /** A planner for another size. */
  readonly ofSize: (width: number, height: number) => MemoryPlanner;
}

/** Sides of sizes that are tried are multiples of it, in pixels: what every model takes. */
const STEP = 64;

/** The plan. @throws ERR_MEMORY_LIMIT where there is none, with what would do instead */
export async function planOrRefuse(planner: MemoryPlanner, request: PlanRequest): Promise<Plan> {
  checkMembers('planner', planner, 'a MemoryPlanner', ['plan', 'refusal']);
  return inSteadyHeap(async () => plannedOrRefused(planner, request));
}

async function plannedOrRefused(planner: MemoryPlanner, { limitBytes, quality, ofSize }: PlanRequest): Promise<Plan> {
  const plan = await planner.plan(limitBytes, quality);
  if (plan !== undefined) return plan;
  const limit = limitBytes ?? Infinity;
  throw await planner.refusal(limit, quality, await largestSize(planner, { limitBytes, quality, ofSize }));
}

/** By halving: what is larger needs more. */
async function largestSize(
  { run: { width, height } }: MemoryPlanner,
  { limitBytes, quality, ofSize }: PlanRequest,
): Promise<string | undefined> {
  const longest = Math.max(width, height);
  const sides = (steps: number): readonly [number, number] => {
    const side = (length: number): number => Math.max(1, Math.floor((length * steps * STEP) / longest / STEP)) * STEP;
    return [side(width), side(height)];
  };
  let [fitting, tooLarge] = [0, Math.ceil(longest / STEP)];
  while (tooLarge - fitting > 1) {
    const middle = Math.floor((fitting + tooLarge) / 2);
    const [best] = await ofSize(...sides(middle)).estimates(limitBytes, quality);
    if (best?.fits === true) fitting = middle;
    else tooLarge = middle;
  }
  return fitting === 0 ? undefined : sides(fitting).join('×');
}
