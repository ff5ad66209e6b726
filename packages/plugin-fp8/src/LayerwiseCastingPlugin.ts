import { checkComponentNames, type ComponentHandle, PassStage, type Plugin, type PluginContext, type PluginHostPipeline, Stage } from '@thimble/core';
import { CastWeights } from './CastWeights.js';
import { type CastingOptions, checkCastingOptions, type CheckedCastingOptions, DEFAULT_SKIP_MODULES_PATTERN, refuse } from './LayerwiseCastingOptions.js';
import { selectParameters, type SkipRules } from './selectParameters.js';

/** Options of a {@link LayerwiseCastingPlugin}. */
export interface LayerwiseCastingOptions extends CastingOptions {
  /** Names of the components whose weights are stored in less. Default: the denoiser (`unet`, `transformer`); in a pipeline without one, all. */
  readonly components?: readonly string[];
}

const DENOISER = /^(unet|transformer)(_\d+)?$/;

/**
 * Stores the weights of convolutions, linear layers and embeddings in eight bits and widens them layer by layer as they run; diffusers'
 * `enable_layerwise_casting`, with its choice of layers: a model's own patterns are added to yours. The weights are made once and kept in a cache on
 * disk; a checkpoint that is stored in eight bits already is used as it lies. Removed, the pipeline runs on its own weights again.
 */
export class LayerwiseCastingPlugin implements Plugin {
  readonly name = 'thimble:layerwise-casting';
  readonly engines = { thimble: '^0.1.0' };
  readonly multiple = true;
  readonly #options: CheckedCastingOptions;
  readonly #components: readonly string[] | undefined;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID naming the option */
  constructor({ components, ...options }: LayerwiseCastingOptions = {}) {
    this.#options = checkCastingOptions(options);
    this.#components = checkComponentNames('components', components);
  }

  async apply({ hooks, pipeline, onRemove }: PluginContext): Promise<void> {
    const casting = new Map<ComponentHandle, Promise<CastWeights>>();
    const ready = new Map<ComponentHandle, CastWeights>();
    const life = new AbortController();
    let tap: Disposable | undefined;
    /** Taps anew, so that graphs that were built before are built again. */
    const rebuild = (): void => {
      tap?.[Symbol.dispose]();
      tap = hooks.transformGraph.tap({ name: this.name, stage: PassStage.Storage }, (graph, { component }) => ready.get(pipeline.components[component] as ComponentHandle)?.bind(graph));
    };
    const cast = async (component: ComponentHandle, signal?: AbortSignal): Promise<void> => {
      if (ready.has(component)) return;
      const others = casting.get(component);
      if (others !== undefined) {
        // If they fail, or are aborted, it is tried again under this call's own signal.
        await others.catch(() => undefined);
        return cast(component, signal);
      }
      const started = this.#cast(component, pipeline, signal === undefined ? life.signal : AbortSignal.any([signal, life.signal]));
      casting.set(component, started);
      try {
        ready.set(component, await started);
        rebuild();
      } finally {
        casting.delete(component);
      }
    };
    const castAll = async (signal?: AbortSignal): Promise<void> => {
      for (const component of this.#chosen(pipeline)) await cast(component, signal);
    };

    onRemove(async () => {
      life.abort();
      await Promise.allSettled(casting.values());
      for (const weights of ready.values()) await weights[Symbol.asyncDispose]();
    });
    // Components may come later: with the pipeline, when this was given to fromPretrained, or in place of others.
    hooks.beforeRun.tap({ name: this.name, stage: Stage.Early }, async ({ signal }) => castAll(signal));
    hooks.beforeModelCall.tap({ name: this.name, stage: Stage.Early }, async ({ model, signal }) => {
      if (this.#chosen(pipeline).includes(model)) await cast(model, signal);
    });
    await castAll();
  }

  #chosen({ components }: PluginHostPipeline): readonly ComponentHandle[] {
    const names = Object.keys(components);
    if (names.length === 0) return [];
    for (const name of this.#components ?? []) if (!names.includes(name)) refuse('components', name, `names out of ${names.join(', ')}`);
    const denoisers = names.filter((name) => DENOISER.test(name));
    return (this.#components ?? (denoisers.length > 0 ? denoisers : names)).map((name) => components[name] as ComponentHandle);
  }

  async #cast(component: ComponentHandle, pipeline: PluginHostPipeline, signal: AbortSignal): Promise<CastWeights> {
    const { storageDtype } = this.#options;
    let percent = -1;
    const keys = selectParameters(component.model.layers, this.#rulesFor(component));
    return CastWeights.of(component, {
      storageDtype, keys, signal,
      onProgress: ({ loaded, total }) => {
        // A whole model comes in thousands of pieces.
        if (Math.floor((100 * loaded) / total) === percent) return;
        percent = Math.floor((100 * loaded) / total);
        pipeline.progress(`${component.name} to ${storageDtype}`, loaded, total);
      },
    });
  }

  #rulesFor({ model }: ComponentHandle): SkipRules {
    const { patterns = DEFAULT_SKIP_MODULES_PATTERN.map((pattern) => new RegExp(pattern)), classes } = this.#options;
    const own = model.skipLayerwiseCastingPatterns.map((pattern) => new RegExp(pattern));
    return { patterns: own.length === 0 ? patterns : [...(patterns ?? []), ...own], classes };
  }
}
