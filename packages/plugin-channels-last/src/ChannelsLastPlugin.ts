import { type Plugin } from '@thimble/core';
import { type OptionsOf } from '@thimble/core/model';
import {
  componentNamesField,
  type Graph,
  type NamedStage,
  type PluginContext,
  readOptions,
} from '@thimble/core/plugin';

/** Where layouts of activations are chosen: of the operators there are, before they are computed in other numbers. */
const LAYOUT: NamedStage = { name: 'layout', after: ['adapters', 'storage', 'attention'], before: ['int8', 'tracing'] };

const FIELDS = {
  /** Names of the components that are treated so; all by default. */
  components: componentNamesField(),
};

/** Options of a {@link ChannelsLastPlugin}. */
export type ChannelsLastOptions = OptionsOf<typeof FIELDS>;

/**
 * Runs convolutions in the layout in which the channels of a pixel lie side by side: on the CPU the runtime's NCHWc, where they do in blocks of 8 or 16; on
 * WebGPU NHWC. It is faster, and costs memory on the CPU: convolutions keep private copies of their weights, as float32 (2.2 GB for the UNet of Stable
 * Diffusion 1.5; 3.4 GB anonymous in all), in place of pages mapped from the checkpoint. Segments without convolutions are left alone: transformer blocks are token-major
 * with and without it.
 *
 * Mirrors `unet.to(memory_format=torch.channels_last)`; `pipe.components.unet.layout('conv_out.weight')` shows it.
 */
export class ChannelsLastPlugin implements Plugin {
  static readonly optionFields = FIELDS;
  readonly name = 'thimble:channels-last';
  readonly engines = { thimble: '^0.2.0' };
  readonly multiple = true;
  readonly #components: readonly string[] | undefined;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for components that are no list of names */
  constructor(options: ChannelsLastOptions = {}) {
    this.#components = readOptions(options, FIELDS, 'ChannelsLastPlugin').components;
  }

  apply({ hooks }: PluginContext): void {
    hooks.transformGraph.tap({ name: this.name, stage: LAYOUT }, (graph, { component, partial }) => {
      // Pieces come and go: their weights would be copied again and again.
      if (this.#components?.includes(component) === false || partial === true || !hasConvolution(graph))
        return undefined;
      return graph.with({ memoryFormat: 'channels_last' });
    });
  }
}

function hasConvolution({ nodes }: Graph): boolean {
  return nodes.some(({ op }) => op === 'Conv');
}
