import { ThimbleError } from '../../errors.js';

/** Something that wants to be before or after others. */
export interface Wishful {
  readonly name: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/**
 * Puts items in order: as given, but one with `before` that would come too late is pulled to just before the first that it names; one with `after` that
 * would come too early waits until all that it names are there. Everyone else keeps their place. Names of nobody are ignored, and so is an item that
 * names itself.
 *
 * @param names whether one of the wishes names an item
 * @throws ThimbleError `ERR_HOOK_CYCLE` if the wishes contradict each other.
 */
export function orderByWishes<T extends Wishful>(
  hook: string,
  given: readonly T[],
  names: (wishes: readonly string[], item: T) => boolean,
): T[] {
  const earlier = (item: T): T[] => given.filter((other) => other !== item && names(other.before, item));
  const awaited = (item: T): T[] => given.filter((other) => other !== item && names(item.after, other));
  const placed = new Set<T>();

  const place = (item: T, attempted: Set<T>): boolean => {
    if (placed.has(item)) return true;
    if (attempted.has(item)) return false;
    attempted.add(item);
    if (awaited(item).some((other) => !placed.has(other))) return false;
    if (!earlier(item).every((other) => place(other, attempted))) return false;
    placed.add(item);
    return true;
  };

  while (placed.size < given.length) {
    const count = placed.size;
    given.find((item) => !placed.has(item) && place(item, new Set()));
    if (placed.size > count) continue;
    const left = given.filter((item) => !placed.has(item));
    const cycle = findCycle(left, (item) => [...earlier(item), ...awaited(item)].filter((other) => !placed.has(other)));
    throw new ThimbleError('ERR_HOOK_CYCLE', { hook, members: cycle.map((item) => item.name) });
  }
  return [...placed];
}

/** A cycle among items that each have a predecessor among them, in running order. */
function findCycle<T>(left: readonly T[], predecessors: (item: T) => readonly T[]): T[] {
  const path: T[] = [];
  let item = left[0];
  while (item !== undefined && !path.includes(item)) {
    path.push(item);
    item = predecessors(item)[0];
  }
  return item === undefined ? path : path.slice(path.indexOf(item)).reverse();
}
