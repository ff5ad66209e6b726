import { type Component } from '@thimble/core';
import { checkMembers, type DerivedWeightsProgress, prepareWeights, refuseOption } from '@thimble/core/plugin';
import { CastWeights } from './CastWeights.js';
import { castStage } from './castStage.js';
import { type CastingOptions, checkCastingOptions, DEFAULT_SKIP_MODULES_PATTERN } from './LayerwiseCastingOptions.js';
import { selectParameters } from './selectParameters.js';

/** Options of {@link applyLayerwiseCasting}. */
export interface ApplyLayerwiseCastingOptions extends CastingOptions {
  /** Ends the making of the weights; once this function has returned, it is heeded no more. */
  readonly signal?: AbortSignal | undefined;
  /** Told how the making of the weights goes, where they are not in the cache. */
  readonly onProgress?: ((progress: DerivedWeightsProgress) => void) | undefined;
}

/** A component whose weights are stored in less. With `await using` they are its own again at the end of the block. */
export interface LayerwiseCasting extends AsyncDisposable {
  /** State-dict keys of the parameters stored in less. */
  readonly stored: readonly string[];
  /** State-dict keys of those that keep their type. */
  readonly kept: readonly string[];
  /** Gives the component its own weights back; its output is bit for bit what it was. Idempotent. */
  remove(): Promise<void>;
}

const applied = new WeakSet<Component>();

/**
 * Stores the weights of one component's layers in eight bits, from its next call on; `apply_layerwise_casting` of diffusers' hooks, which, unlike the
 * plugin, knows nothing of a model's own patterns.
 *
 * @throws ThimbleError ERR_ARGUMENT_INVALID for a bad option, and for a component that this was applied to already; `signal.reason`;
 *   ERR_DISK_FULL, ERR_FILE_ACCESS where the weights cannot be written to the cache
 */
export async function applyLayerwiseCasting(
  component: Component,
  given: ApplyLayerwiseCastingOptions = {},
): Promise<LayerwiseCasting> {
  checkMembers('component', component, 'a component of a pipeline', ['name', 'model', 'device']);
  checkMembers('options', given, 'an object, or nothing', []);
  const { signal, onProgress, ...options } = given;
  const {
    storageDtype,
    patterns = DEFAULT_SKIP_MODULES_PATTERN.map((pattern) => new RegExp(pattern)),
    classes,
  } = checkCastingOptions(options);
  if (applied.has(component))
    refuseOption('component', component.name, 'one that layerwise casting was not applied to; remove that first');
  applied.add(component);
  const removals: (() => void | Promise<void>)[] = [];
  const remove = async (): Promise<void> => {
    for (const undo of removals.splice(0)) await undo();
    applied.delete(component);
  };
  let weights: CastWeights | undefined;
  try {
    const keys = selectParameters(component.model.listLayers(), { patterns, classes });
    await prepareWeights<CastWeights>(
      { hooks: component.hooks, onRemove: (undo) => void removals.push(undo) },
      {
        name: 'thimble:apply-layerwise-casting',
        stage: castStage,
        chosen: () => [component],
        signal,
        prepare: async (_component, below, until) => {
          weights = await CastWeights.of(below, { storageDtype, keys, signal: until, onProgress });
          return weights;
        },
        layer: (below, cast) => cast.over(below),
      },
    );
  } catch (error) {
    await remove();
    throw error;
  }
  const { stored, kept } = weights as CastWeights;
  return { stored, kept, remove, [Symbol.asyncDispose]: remove };
}
