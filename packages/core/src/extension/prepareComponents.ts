import type { Graph } from '../graph/Graph.js';
import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { GraphContext } from '../hooks/calls/GraphContext.js';
import { Stage } from '../hooks/engine/Stage.js';
import type { TapOptions } from '../hooks/engine/TapOptions.js';
import type { PluginContext } from './PluginContext.js';
import type { PluginHostPipeline } from './PluginHostPipeline.js';

/** How a plugin prepares components, and what it then makes of their graphs. */
export interface ComponentPreparation<T extends AsyncDisposable> {
  /** Who taps: the plugin's name. */
  readonly name: string;
  /** Where the plugin's pass stands among those of others: the name of a stage, or a stage and where it lies. */
  readonly stage: NonNullable<TapOptions['stage']>;
  /** The components that are prepared; asked again whenever components may have come. */
  readonly chosen: (pipeline: PluginHostPipeline) => readonly ComponentHandle[];
  /** Makes what the component's graphs need. It is disposed when the plugin is removed. */
  readonly prepare: (component: ComponentHandle, signal: AbortSignal) => Promise<T>;
  /** The pass over the graphs of a component that is prepared. */
  readonly transform: (graph: Graph, prepared: T, context: GraphContext) => Graph | undefined;
}

/**
 * For plugins whose graph pass needs something that takes long to make for each component, such as weights in another form: prepares the components
 * that there are, and those that come later before they run. Two calls that want the same component wait for one preparation; where that fails or is
 * aborted, the other tries again under its own signal.
 *
 * @throws what `chosen` and `prepare` throw
 */
export async function prepareComponents<T extends AsyncDisposable>(
  { hooks, pipeline, onRemove }: PluginContext,
  { name, stage, chosen, prepare, transform }: ComponentPreparation<T>,
): Promise<void> {
  const preparing = new Map<ComponentHandle, Promise<T>>();
  const ready = new Map<ComponentHandle, T>();
  const life = new AbortController();
  let tap: Disposable | undefined;
  /** Taps anew, so that graphs that were built before are built again. */
  const rebuild = (): void => {
    tap?.[Symbol.dispose]();
    tap = hooks.transformGraph.tap({ name, stage }, (graph, context) => {
      const prepared = ready.get(pipeline.components[context.component] as ComponentHandle);
      return prepared === undefined ? undefined : transform(graph, prepared, context);
    });
  };
  const ensure = async (component: ComponentHandle, signal?: AbortSignal): Promise<void> => {
    if (ready.has(component)) return;
    const others = preparing.get(component);
    if (others !== undefined) {
      await others.catch(() => undefined);
      return ensure(component, signal);
    }
    const started = prepare(component, signal === undefined ? life.signal : AbortSignal.any([signal, life.signal]));
    preparing.set(component, started);
    try {
      ready.set(component, await started);
      rebuild();
    } finally {
      preparing.delete(component);
    }
  };
  const ensureAll = async (signal?: AbortSignal): Promise<void> => {
    for (const component of chosen(pipeline)) await ensure(component, signal);
  };

  onRemove(async () => {
    life.abort();
    await Promise.allSettled(preparing.values());
    for (const prepared of ready.values()) await prepared[Symbol.asyncDispose]();
  });
  // Components may come later: with the pipeline, when the plugin was given to fromPretrained, or in place of others.
  hooks.beforeRun.tap({ name, stage: Stage.Early }, async ({ signal }) => ensureAll(signal));
  hooks.beforeModelCall.tap({ name, stage: Stage.Early }, async ({ handle, signal }) => {
    if (chosen(pipeline).includes(handle)) await ensure(handle, signal);
  });
  await ensureAll();
}
