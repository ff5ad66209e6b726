import { type Plugin } from '@thimble/core';
import {
  chooseComponents,
  chunkFeedForward,
  type ComponentHandle,
  fusedAttention,
  type Graph,
  type GraphContext,
  instructionSets,
  lowerAttention,
  MemoryBudget,
  outrunsInt8,
  percentProgress,
  type PluginContext,
  type PluginHostPipeline,
  prepareComponents,
} from '@thimble/core/plugin';
import { CODE_LIMITS } from './CodeLimits.js';
import {
  type CheckedInt8Options,
  checkInt8Options,
  type Int8ComputeOptions,
  int8ComputeFields,
} from './Int8ComputeOptions.js';
import { int8Stage } from './int8Stage.js';
import { Int8Weights } from './Int8Weights.js';
import { isFasterInInt8 } from './isFasterInInt8.js';
import { measureSums } from './measureSums.js';
import { CACHED_BYTES, computeInInt8 } from './passes/computeInInt8.js';
import { selectLayers } from './selectLayers.js';

/** Names of components that compute in int8 unless others are asked for: the denoiser, and what makes its latents a picture. */
export const INT8_COMPONENTS = /^(unet|transformer|vae)(_\d+)?$/;

/** The fused kernel is at least as fast as plain attention from here on: measured from 4096 × 4096 down to 1024 × 77. */
const FUSE_FROM = 64;

/**
 * Computes linear layers and convolutions in int8 on the CPU, two to four times as fast as in float32: activations are quantised as they come, weights
 * once; these are kept in a cache on disk and mapped from there. Removed, the pipeline computes bit for bit what it did before.
 */
export class Int8ComputePlugin implements Plugin {
  static readonly optionFields = int8ComputeFields;
  readonly name = 'thimble:int8-compute';
  readonly engines = { thimble: '^0.2.0' };
  readonly quality = 'near';
  readonly #options: CheckedInt8Options;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID naming the option */
  constructor(options: Int8ComputeOptions = {}) {
    this.#options = checkInt8Options(options);
  }

  async apply(context: PluginContext): Promise<void> {
    const { pipeline } = context;
    const { components } = this.#options;
    await prepareComponents<Int8Weights>(context, {
      name: this.name,
      stage: int8Stage,
      chosen: () => chooseComponents(pipeline, components, INT8_COMPONENTS),
      prepare: async (component, signal) => this.#weightsOf(component, pipeline, signal),
      transform: (graph, weights, { provider }) => this.#transform(graph, weights, provider, pipeline),
    });
  }

  async #weightsOf(
    component: ComponentHandle,
    pipeline: PluginHostPipeline,
    signal: AbortSignal,
  ): Promise<Int8Weights> {
    const { keep, force } = this.#options;
    if (component.device.provider !== 'cpu') {
      pipeline.warn(
        'WARN_INT8_PROVIDER',
        `${component.name} is not computed in int8: ${component.device.provider} has no kernels for it that are faster than its own.`,
      );
      return Int8Weights.of(component.weights, { layers: [], limits: CODE_LIMITS.exact, signal });
    }
    const limits = CODE_LIMITS[await measureSums(component)];
    if (!force && !isFasterInInt8(instructionSets())) {
      pipeline.warn(
        'WARN_INT8_SLOW',
        `${component.name} is not computed in int8: this processor has no instructions that make that faster than float32.`,
      );
      return Int8Weights.of(component.weights, { layers: [], limits, signal });
    }
    return Int8Weights.of(component.weights, {
      layers: selectLayers(component, keep),
      limits,
      signal,
      onProgress: percentProgress(pipeline, `${component.name} to int8`),
    });
  }

  #transform(
    graph: Graph,
    weights: Int8Weights,
    provider: GraphContext['provider'],
    { memoryLimit, convolution }: PluginHostPipeline,
  ): Graph | undefined {
    if (weights.isEmpty) return undefined;
    const { minimumOperations, force } = this.#options;
    const { transientBytes, convolutionBytes } = new MemoryBudget(memoryLimit);
    const budget = Math.min(transientBytes, CACHED_BYTES);
    const attended = lowerAttention(
      weights.bind(graph),
      fusedAttention({ provider, budget: transientBytes, fuseFrom: FUSE_FROM }),
    );
    const chunked = chunkFeedForward(attended, budget);
    return computeInInt8(chunked, {
      budget,
      find: (weight) => weights.find(weight),
      isWorthwhile: ({ node, rows, inner, columns }) =>
        2 * rows * inner * columns >= minimumOperations &&
        (force || !outrunsInt8(chunked, node, convolution, convolutionBytes)),
    });
  }
}
