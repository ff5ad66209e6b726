import { ThimbleError } from '../../errors.js';

/** What decides a tap's place among others. */
export interface OrderedTap {
  readonly name: string;
  readonly plugin?: string | undefined;
  readonly stage: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/**
 * Puts taps in the order they run in: by stage, then as given. A tap with `before` that would come too late is pulled to just
 * before the first tap it names; one with `after` that would come too early waits until all it names have run. Everyone else
 * keeps their place. Names without a tap are ignored, and so is a tap that names itself.
 *
 * For `stage`, and for `before` on a tap that has no wish itself, this is tapable's order; except that tapable moves a tap whose
 * `before` names nobody to the very front.
 *
 * @throws ThimbleError `ERR_HOOK_CYCLE` if the wishes contradict each other.
 */
export function orderTaps<T extends OrderedTap>(hook: string, taps: Iterable<T>): T[] {
  const sorted = [...taps].sort((a, b) => a.stage - b.stage);
  const earlier = (tap: T): T[] => sorted.filter((other) => other !== tap && names(other.before, tap));
  const awaited = (tap: T): T[] => sorted.filter((other) => other !== tap && names(tap.after, other));
  const placed = new Set<T>();

  const place = (tap: T, attempted: Set<T>): boolean => {
    if (placed.has(tap)) return true;
    if (attempted.has(tap)) return false;
    attempted.add(tap);
    if (awaited(tap).some((other) => !placed.has(other))) return false;
    if (!earlier(tap).every((other) => place(other, attempted))) return false;
    placed.add(tap);
    return true;
  };

  while (placed.size < sorted.length) {
    const count = placed.size;
    sorted.find((tap) => !placed.has(tap) && place(tap, new Set()));
    if (placed.size > count) continue;
    const left = sorted.filter((tap) => !placed.has(tap));
    const cycle = findCycle(left, (tap) => [...earlier(tap), ...awaited(tap)].filter((other) => !placed.has(other)));
    throw new ThimbleError('ERR_HOOK_CYCLE', { hook, members: cycle.map((tap) => tap.name) });
  }
  return [...placed];
}

function names(wishes: readonly string[], tap: OrderedTap): boolean {
  return wishes.includes(tap.name) || (tap.plugin !== undefined && wishes.includes(tap.plugin));
}

/** A cycle among taps that each have a predecessor among them, in running order. */
function findCycle<T>(left: readonly T[], predecessors: (tap: T) => readonly T[]): T[] {
  const path: T[] = [];
  let tap = left[0];
  while (tap !== undefined && !path.includes(tap)) {
    path.push(tap);
    tap = predecessors(tap)[0];
  }
  return tap === undefined ? path : path.slice(path.indexOf(tap)).reverse();
}
