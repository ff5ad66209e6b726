import { type ExecutionProvider, type Plugin } from '@thimble/core';
import { choiceField, eitherField, type Field, integerField, optional, type OptionsOf } from '@thimble/core/model';
import {
  type AttentionLowering,
  chunkedAttention,
  componentNamesField,
  fusedAttention,
  lowerAttention,
  MemoryBudget,
  type NamedStage,
  type PluginContext,
  readOptions,
  refuseOption,
  slicedAttention,
  type SliceSize,
} from '@thimble/core/plugin';
import { ATTENTION_BACKENDS, type AttentionBackend } from './AttentionBackend.js';

/** Where attention is lowered: behind what adds and stores weights, before what needs plain operators. */
const ATTENTION: NamedStage = {
  name: 'attention',
  after: ['adapters', 'storage'],
  before: ['layout', 'int8', 'tracing'],
};

const FIELDS = {
  /**
   * - 'flash' (default): the runtime's fused kernel, which never holds the scores. On the CPU plain attention in chunks where that is faster (below 2048
   *   tokens, cross-attention) or the kernel is not fused (masks).
   * - 'sliced': `sliceSize` pairs of sample and head at a time, as diffusers' attention slicing, and never more scores at once than a layer may take (32 MB,
   *   less under a memory limit).
   * - 'math': all scores at once.
   */
  backend: choiceField('flash', ATTENTION_BACKENDS) satisfies Field<AttentionBackend>,
  /** For 'sliced': how many pairs at a time; 'auto' (default) half the heads, 'max' one. More than there are is all of them. */
  sliceSize: optional(eitherField(choiceField('auto', ['auto', 'max']), integerField(1, 1))) satisfies Field<
    SliceSize | undefined
  >,
  /** Names of the components that are treated so; all by default. */
  components: componentNamesField(),
};

/** Options of a {@link MemoryEfficientAttentionPlugin}. */
export type MemoryEfficientAttentionOptions = OptionsOf<typeof FIELDS>;

/**
 * Chooses how attention is computed. Without it core computes it plainly, in chunks of queries.
 *
 * Mirrors diffusers' `set_attention_backend` and `enable_attention_slicing`; unlike there, removing it brings back what was before.
 */
export class MemoryEfficientAttentionPlugin implements Plugin {
  static readonly optionFields = FIELDS;
  readonly name = 'thimble:memory-efficient-attention';
  readonly engines = { thimble: '^0.2.0' };
  readonly multiple = true;
  readonly #backend: AttentionBackend;
  readonly #sliceSize: SliceSize;
  readonly #components: readonly string[] | undefined;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for an option out of range */
  constructor(options: MemoryEfficientAttentionOptions = {}) {
    const { backend, sliceSize, components } = readOptions(options, FIELDS, 'MemoryEfficientAttentionPlugin');
    if (sliceSize !== undefined && backend !== 'sliced')
      refuseOption('sliceSize', sliceSize, "nothing unless backend is 'sliced'");
    this.#backend = backend;
    this.#sliceSize = sliceSize ?? 'auto';
    this.#components = components;
  }

  apply({ hooks, pipeline }: PluginContext): void {
    const { transientBytes } = new MemoryBudget(pipeline.memoryLimit);
    hooks.transformGraph.tap({ name: this.name, stage: ATTENTION }, (graph, { component, provider }) => {
      if (this.#components?.includes(component) === false) return undefined;
      return lowerAttention(graph, this.#lowering(provider, transientBytes));
    });
  }

  #lowering(provider: ExecutionProvider, budget: number): AttentionLowering {
    switch (this.#backend) {
      case 'flash':
        return fusedAttention({ provider, budget });
      case 'sliced':
        return slicedAttention(this.#sliceSize, budget);
      case 'math':
        return chunkedAttention(Infinity);
    }
  }
}
