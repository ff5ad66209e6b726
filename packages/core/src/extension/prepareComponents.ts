import { checkMembers } from '../fields/checkMembers.js';
import type { Graph } from '../graph/Graph.js';
import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { GraphContext } from '../hooks/calls/GraphContext.js';
import { Stage } from '../hooks/engine/Stage.js';
import type { TapOptions } from '../hooks/engine/TapOptions.js';
import { findComponent } from './ComponentMap.js';
import type { PluginContext } from './PluginContext.js';
import type { PluginPipeline } from './PluginPipeline.js';
import { Preparations } from './Preparations.js';

/** How a plugin prepares components, and what it then makes of their graphs. */
export interface ComponentPreparation<T extends AsyncDisposable> {
  /** Who taps: the plugin's name. */
  readonly name: string;
  /** Where the plugin's pass stands among those of others: the name of a stage, or a stage and where it lies. */
  readonly stage: NonNullable<TapOptions['stage']>;
  /** The components that are prepared; asked again whenever components may have come. */
  readonly chosen: (pipeline: PluginPipeline) => readonly ComponentHandle[];
  /**
   * Makes what the component's graphs need, of its `weights` as they stand. Called again when they are others. What it gives is disposed when the plugin is
   * removed, or when it is replaced.
   */
  readonly prepare: (component: ComponentHandle, signal: AbortSignal) => Promise<T>;
  /** The pass over the graphs of a component that is prepared. */
  readonly transform: (graph: Graph, prepared: T, context: GraphContext) => Graph | undefined;
}

/**
 * For plugins whose graph pass needs something that takes long to make for each component, such as its weights in an order of their own: prepares the components
 * that there are, and those that come later before they run. Weights that graphs take in the place of others are a layer: see `prepareWeights`.
 *
 * @throws what `chosen` and `prepare` throw
 */
export async function prepareComponents<T extends AsyncDisposable>(
  context: PluginContext,
  preparation: ComponentPreparation<T>,
): Promise<void> {
  checkMembers('context', context, 'the context of a plugin', ['hooks', 'onRemove']);
  const { hooks, pipeline, onRemove } = context;
  checkMembers('preparation', preparation, '{ name, stage, chosen, prepare, transform }', [
    'name',
    'stage',
    'chosen',
    'prepare',
    'transform',
  ]);
  const { name, stage, chosen, prepare, transform } = preparation;
  const preparations = new Preparations<T>({
    source: ({ weights }) => weights,
    prepare: async (component, _source, signal) => prepare(component, signal),
    changed: () => tap.changed(),
  });
  const tap = hooks.transformGraph.tap({ name, stage }, (graph, context) => {
    const component = findComponent(chosen(pipeline), context);
    const prepared = component && preparations.find(component, () => component.weights);
    return prepared === undefined ? undefined : transform(graph, prepared, context);
  });
  const ensureAll = async (signal?: AbortSignal): Promise<void> => {
    for (const component of chosen(pipeline)) await preparations.ensure(component, signal);
  };
  onRemove(async () => preparations[Symbol.asyncDispose]());
  // Components may come later: with the pipeline, when the plugin was given to fromPretrained, or in place of others.
  hooks.beforeRun.tap({ name, stage: Stage.Early }, async ({ signal }) => ensureAll(signal));
  hooks.beforeModelCall.tap({ name, stage: Stage.Early }, async ({ handle, signal }) => {
    if (chosen(pipeline).includes(handle)) await preparations.ensure(handle, signal);
  });
  await ensureAll();
}
