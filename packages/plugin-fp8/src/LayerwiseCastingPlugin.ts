import { type Plugin } from '@thimble/core';
import { type OptionsOf } from '@thimble/core/model';
import {
  chooseComponents,
  type ComponentHandle,
  componentNamesField,
  DENOISER,
  percentProgress,
  type PluginContext,
  prepareWeights,
  readOptions,
} from '@thimble/core/plugin';
import { CastWeights } from './CastWeights.js';
import {
  castingFields,
  checkCastingOptions,
  type CheckedCastingOptions,
  DEFAULT_SKIP_MODULES_PATTERN,
} from './LayerwiseCastingOptions.js';
import { castStage } from './castStage.js';
import { selectParameters, type SkipRules } from './selectParameters.js';

const FIELDS = {
  ...castingFields,
  /** Names of the components whose weights are stored in less. Default: the denoiser (`unet`, `transformer`); in a pipeline without one, all. */
  components: componentNamesField(),
};

/** Options of a {@link LayerwiseCastingPlugin}. */
export type LayerwiseCastingOptions = OptionsOf<typeof FIELDS>;

/**
 * Stores the weights of convolutions, linear layers and embeddings in eight bits and widens them layer by layer as they run; diffusers'
 * `enable_layerwise_casting`, with its choice of layers: a model's own patterns are added to yours. The weights are made once and kept in a cache on
 * disk; a checkpoint that is stored in eight bits already is used as it lies. Removed, the pipeline runs on its own weights again.
 */
export class LayerwiseCastingPlugin implements Plugin {
  static readonly optionFields = FIELDS;
  readonly name = 'thimble:layerwise-casting';
  readonly engines = { thimble: '^0.2.0' };
  readonly multiple = true;
  readonly quality = 'near';
  readonly #options: CheckedCastingOptions;
  readonly #components: readonly string[] | undefined;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID naming the option */
  constructor(options: LayerwiseCastingOptions = {}) {
    const { components, ...casting } = readOptions(options, FIELDS, 'LayerwiseCastingPlugin');
    this.#options = checkCastingOptions(casting);
    this.#components = components;
  }

  async apply(context: PluginContext): Promise<void> {
    const { pipeline } = context;
    const { storageDtype } = this.#options;
    await prepareWeights<CastWeights>(context, {
      name: this.name,
      stage: castStage,
      chosen: () => chooseComponents(pipeline, this.#components, DENOISER),
      prepare: async (component, below, signal) =>
        CastWeights.of(below, {
          storageDtype,
          signal,
          keys: selectParameters(component.model.listLayers(), this.#rulesFor(component)),
          onProgress: percentProgress(pipeline, `${component.name} to ${storageDtype}`),
        }),
      layer: (below, weights) => weights.over(below),
    });
  }

  #rulesFor({ model }: ComponentHandle): SkipRules {
    const { patterns = DEFAULT_SKIP_MODULES_PATTERN.map((pattern) => new RegExp(pattern)), classes } = this.#options;
    const own = model.skipLayerwiseCastingPatterns.map((pattern) => new RegExp(pattern));
    return { patterns: own.length === 0 ? patterns : [...(patterns ?? []), ...own], classes };
  }
}
