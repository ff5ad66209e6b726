import { type Plugin } from '@thimble/core';
import { integerField, numberField, type OptionsOf } from '@thimble/core/model';
import {
  chooseComponents,
  componentNamesField,
  MemoryBudget,
  type NamedStage,
  type PluginContext,
  readOptions,
} from '@thimble/core/plugin';
import { mergeTokens } from './mergeTokens.js';
import { tokenGridOf } from './TokenGrid.js';

/** Where tokens are merged: once adapters stand beside the projections, before attention is lowered. */
const TOKENS: NamedStage = {
  name: 'tokens',
  after: ['adapters', 'storage'],
  before: ['attention', 'layout', 'int8', 'tracing'],
};

const FIELDS = {
  /** The share of the tokens that is merged into others, from 0 to 0.75 with cells of 2 × 2. Default 0.5. */
  ratio: numberField(0.5, 0, 1),
  /** Attentions are treated whose tokens lie at most so many times wider apart than the latents': 1 (default), those of the largest size alone; 2, 4, 8 the next ones too. SDXL has none at 1. */
  maxDownsample: integerField(1, 1),
  /** Width of the cells of which one token stays, whichever are merged. Default 2. */
  sx: integerField(2, 1),
  /** Their height. Default 2. */
  sy: integerField(2, 1),
  /** Names of the components that are treated so; by default the UNet. */
  components: componentNamesField(),
};

/** Options of a {@link TokenMergingPlugin}. */
export type TokenMergingOptions = OptionsOf<typeof FIELDS>;

/**
 * Merges tokens that are alike before a UNet's self-attention, and spreads what it finds again behind it: attention over half of the tokens is a quarter of the work. Lossy: pictures
 * are others than without it.
 *
 * Source: D. Bolya and J. Hoffman, "Token Merging for Fast Stable Diffusion", 2023, arXiv 2303.17604; options as those of `tomesd.apply_patch`, which diffusers' documentation names.
 */
export class TokenMergingPlugin implements Plugin {
  static readonly optionFields = FIELDS;
  readonly name = 'thimble:token-merging';
  readonly engines = { thimble: '^0.2.0' };
  readonly multiple = true;
  readonly quality = 'lossy';
  readonly #options: ReturnType<typeof readOptions<typeof FIELDS>>;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for an option out of range */
  constructor(options: TokenMergingOptions = {}) {
    this.#options = readOptions(options, FIELDS, 'TokenMergingPlugin');
  }

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for the name of a component that is none */
  apply({ hooks, pipeline }: PluginContext): void {
    const { ratio, maxDownsample, sx, sy, components } = this.#options;
    chooseComponents(pipeline, components, /^unet$/);
    const { transientBytes: budget } = new MemoryBudget(pipeline.memoryLimit);
    hooks.transformGraph.tap({ name: this.name, stage: TOKENS }, (graph, context) => {
      if (!(components ?? ['unet']).includes(context.component)) return undefined;
      const grid = tokenGridOf(context);
      if (grid === undefined || grid.downsample > maxDownsample) return undefined;
      return mergeTokens(graph, { grid, ratio, sx, sy, budget });
    });
  }
}
