import { type ExecutionProvider, type Plugin, ThimbleError } from '@thimble/core';
import {
  type AttentionLowering,
  checkComponentNames,
  chunkedAttention,
  fusedAttention,
  lowerAttention,
  MemoryBudget,
  type NamedStage,
  type PluginContext,
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

/** Options of a {@link MemoryEfficientAttentionPlugin}. */
export interface MemoryEfficientAttentionOptions {
  /**
   * - 'flash' (default): the runtime's fused kernel, which never holds the scores. On the CPU plain attention in chunks where that is faster (below 2048
   *   tokens, cross-attention) or the kernel is not fused (masks).
   * - 'sliced': `sliceSize` pairs of sample and head at a time, as diffusers' attention slicing, and never more scores at once than a layer may take (32 MB,
   *   less under a memory limit).
   * - 'math': all scores at once.
   */
  readonly backend?: AttentionBackend;
  /** For 'sliced': how many pairs at a time; 'auto' (default) half the heads, 'max' one. More than there are is all of them. */
  readonly sliceSize?: SliceSize;
  /** Names of the components that are treated so; all by default. */
  readonly components?: readonly string[];
}

/**
 * Chooses how attention is computed. Without it core computes it plainly, in chunks of queries.
 *
 * Mirrors diffusers' `set_attention_backend` and `enable_attention_slicing`; unlike there, removing it brings back what was before.
 */
export class MemoryEfficientAttentionPlugin implements Plugin {
  readonly name = 'thimble:memory-efficient-attention';
  readonly engines = { thimble: '^0.1.0' };
  readonly multiple = true;
  readonly #backend: AttentionBackend;
  readonly #sliceSize: SliceSize;
  readonly #components: readonly string[] | undefined;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID for an option out of range */
  constructor({ backend = 'flash', sliceSize, components }: MemoryEfficientAttentionOptions = {}) {
    if (!ATTENTION_BACKENDS.includes(backend))
      throw invalid('backend', backend, `one of ${ATTENTION_BACKENDS.join(', ')}`);
    if (sliceSize !== undefined && backend !== 'sliced')
      throw invalid('sliceSize', sliceSize, "nothing unless backend is 'sliced'");
    if (!isSliceSize(sliceSize ?? 'auto'))
      throw invalid('sliceSize', sliceSize, "'auto', 'max' or a whole number from 1");
    this.#backend = backend;
    this.#sliceSize = sliceSize ?? 'auto';
    this.#components = checkComponentNames('components', components);
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

function isSliceSize(value: unknown): value is SliceSize {
  return value === 'auto' || value === 'max' || (Number.isSafeInteger(value) && (value as number) >= 1);
}

function invalid(argument: string, value: unknown, expected: string): ThimbleError {
  return new ThimbleError('ERR_ARGUMENT_INVALID', { argument, value, expected });
}
