import { orderByWishes, type Wishful } from './orderByWishes.js';
import { type NamedStage, Stage } from './Stage.js';

/** What decides a tap's place among others. */
export interface OrderedTap extends Wishful {
  readonly plugin?: string | undefined;
  readonly stage: number | NamedStage;
}

/** Where named stages lie among numbers. */
const NAMED = (Stage.Default + Stage.Late) / 2;

/**
 * Puts taps in the order they run in: by stage, then as given, then by their wishes as {@link orderByWishes} does. Wishes name a tap, its plugin or its
 * stage.
 *
 * For numbers as stages, and for `before` on a tap that has no wish itself, this is tapable's order; except that tapable moves a tap whose
 * `before` names nobody to the very front.
 *
 * @throws ThimbleError `ERR_HOOK_CYCLE` if the wishes of taps, or what is said of stages, contradict each other.
 */
export function orderTaps<T extends OrderedTap>(hook: string, given: Iterable<T>): T[] {
  const taps = [...given];
  const stages = orderStages(hook, taps);
  const sorted = taps.sort(
    (a, b) => numberOf(a.stage) - numberOf(b.stage) || rankOf(a.stage, stages) - rankOf(b.stage, stages),
  );
  return orderByWishes(hook, sorted, (wishes, { name, plugin, stage }) =>
    [name, plugin, stageName(stage)].some((one) => one !== undefined && wishes.includes(one)),
  );
}

/** The names of the stages that taps are in, in order. */
function orderStages(hook: string, taps: readonly OrderedTap[]): readonly string[] {
  const stages = new Map<string, { name: string; before: string[]; after: string[] }>();
  for (const { stage } of taps) {
    if (typeof stage === 'number') continue;
    const { name, before = [], after = [] } = stage;
    const known = stages.get(name);
    stages.set(name, {
      name,
      before: [...(known?.before ?? []), ...[before].flat()],
      after: [...(known?.after ?? []), ...[after].flat()],
    });
  }
  const named = (wishes: readonly string[], { name }: Wishful): boolean => wishes.includes(name);
  return orderByWishes(hook, [...stages.values()], named).map(({ name }) => name);
}

function numberOf(stage: OrderedTap['stage']): number {
  return typeof stage === 'number' ? stage : NAMED;
}

/** Numbers that happen to lie at the same place come first. */
function rankOf(stage: OrderedTap['stage'], stages: readonly string[]): number {
  return typeof stage === 'number' ? -1 : stages.indexOf(stage.name);
}

function stageName(stage: OrderedTap['stage']): string | undefined {
  return typeof stage === 'number' ? undefined : stage.name;
}
