import { checkMembers } from '../fields/checkMembers.js';
import type { ComponentHandle } from '../hooks/calls/ComponentHandle.js';
import type { WeightsContext } from '../hooks/calls/WeightsContext.js';
import { type NamedStage, Stage } from '../hooks/engine/Stage.js';
import type { TapOptions } from '../hooks/engine/TapOptions.js';
import type { WeightStore } from '../weights/WeightStore.js';
import { ComponentMap, findComponent } from './ComponentMap.js';
import type { PluginContext } from './PluginContext.js';
import { Preparations } from './Preparations.js';

/** How a plugin makes weights, and the layer in which they lie. */
export interface WeightsPreparation<T extends AsyncDisposable> {
  /** Who taps: the plugin's name. */
  readonly name: string;
  /** The stage in which the layer lies, among those of others: `{ name: 'merge', before: 'cast' }`. A layer is made of what lies below it. */
  readonly stage: string | NamedStage;
  /** The components that are prepared; asked again whenever components may have come. */
  readonly chosen: () => readonly ComponentHandle[];
  /**
   * Makes weights of those that lie below the layer, such as in a file of the `DerivedWeightsCache`. Called again when other weights lie below. What it gives is
   * disposed when the plugin is removed, or when it is replaced.
   */
  readonly prepare: (component: ComponentHandle, below: WeightStore, signal: AbortSignal) => Promise<T>;
  /** For the preparation of the components that there are now; those that come later are prepared under the signals of their runs. */
  readonly signal?: AbortSignal | undefined;
  /** The layer on top of `below`, which is what `prepare` was given, or the same again. */
  readonly layer: (below: WeightStore, prepared: T, context: WeightsContext) => WeightStore;
}

/** What {@link prepareWeights} gives. */
export interface PreparedWeights {
  /** Prepares all components again, because `prepare` would give something else now: an option has changed. */
  renew(signal?: AbortSignal): Promise<void>;
}

/**
 * For plugins whose weights take long to make: taps `transformWeights` with a layer of them, prepares the components that there are, and those that come later
 * before they run. While a component is not prepared for the weights that lie below, the layer is not there.
 *
 * @throws what `chosen` and `prepare` throw; `signal.reason`
 */
export async function prepareWeights<T extends AsyncDisposable>(
  context: Pick<PluginContext, 'hooks' | 'onRemove'>,
  preparation: WeightsPreparation<T>,
): Promise<PreparedWeights> {
  checkMembers('context', context, 'the context of a plugin', ['hooks', 'onRemove']);
  const { hooks, onRemove } = context;
  checkMembers('preparation', preparation, '{ name, stage, chosen, prepare, layer }', [
    'name',
    'stage',
    'chosen',
    'prepare',
    'layer',
  ]);
  const { name, stage, chosen, prepare, signal: first, layer } = preparation;
  /** What the tap was given last. */
  const below = new ComponentMap<WeightStore>();
  const preparations = new Preparations<T>({
    prepare,
    changed: () => tap.changed(),
    source: (component) => {
      // Asking for the weights stacks the layers, where they changed, and so gives the tap what lies below it.
      const top = component.weights;
      return below.get(component) ?? top;
    },
  });
  const tap = hooks.transformWeights.tap({ name, stage }, (store, context) => {
    below.set({ name: context.component, model: context.model }, store);
    const component = findComponent(chosen(), context);
    const prepared = component && preparations.find(component, () => store);
    return prepared === undefined ? undefined : layer(store, prepared, context);
  });
  const ensureAll = async (signal?: AbortSignal): Promise<void> => {
    for (const component of chosen()) await preparations.ensure(component, signal);
  };
  const early = preparing(stage);
  const taps = [
    tap,
    // Components may come later: with the pipeline, when the plugin was given to fromPretrained, or in place of others.
    hooks.beforeRun.tap(early, async ({ signal }) => ensureAll(signal)),
    hooks.beforeModelCall.tap(early, async ({ handle, signal }) => {
      if (chosen().includes(handle)) await preparations.ensure(handle, signal);
    }),
  ];
  onRemove(async () => {
    for (const each of taps) each[Symbol.dispose]();
    await preparations[Symbol.asyncDispose]();
  });
  await ensureAll(first);
  return {
    renew: async (signal) => {
      preparations.outdate();
      await ensureAll(signal);
    },
  };
}

/** How the tap that makes a stage's layers stands among those of other stages: lower layers are made before higher ones, and all of them before what graph passes need. */
function preparing(stage: string | NamedStage): TapOptions {
  const { name, before = [], after = [] } = typeof stage === 'string' ? { name: stage } : stage;
  const tapOf = (other: string): string => `weights:${other}`;
  return {
    name: tapOf(name),
    stage: Stage.Early - 1,
    before: [before].flat().map(tapOf),
    after: [after].flat().map(tapOf),
  };
}
