import type { Tensor } from 'onnxruntime-common';
import type { CompiledSegment } from './compileSegment.js';
import type { PlannedSegment } from './EntryPlan.js';
import { toFloat16 } from './floatTensors.js';

/** A plan whose segments are given what plugins feed them. */
export interface FedPlan {
  readonly plan: readonly PlannedSegment[];
  /** Values of the entry point, beside its own inputs. */
  readonly inputs: Readonly<Record<string, Tensor>>;
}

/** Feeds the inputs that plugins have added to graphs. What several segments are fed is asked for once, and is one value. */
export function feedPlan(plan: readonly PlannedSegment[], programs: ReadonlyMap<string, CompiledSegment>): FedPlan {
  const values = new Map<() => Tensor, { readonly name: string; readonly tensor: Tensor }>();
  const inputs: Record<string, Tensor> = {};
  const valueOf = (feed: () => Tensor, half: boolean): string => {
    const { name, tensor } = values.get(feed) ?? { name: `feed/${values.size}`, tensor: feed() };
    values.set(feed, { name, tensor });
    const value = half ? `${name}/float16` : name;
    inputs[value] ??= half ? toFloat16(tensor) : tensor;
    return value;
  };
  const fed = plan.map((step) => {
    const { feeds, halfInputs = [] } = programs.get(step.segment.name) as CompiledSegment;
    if (feeds === undefined || feeds.size === 0) return step;
    const added = Array.from(feeds, ([port, feed]) => [port, valueOf(feed, halfInputs.includes(port))] as const);
    return { ...step, feeds: { ...step.feeds, ...Object.fromEntries(added) } };
  });
  return { plan: fed, inputs };
}
