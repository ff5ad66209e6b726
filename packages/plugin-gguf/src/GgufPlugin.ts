import type { Plugin } from '@thimble/core';
import {
  chooseComponents,
  MemoryBudget,
  percentProgress,
  type PluginContext,
  prepareComponents,
  readOptions,
  registerStorageFormat,
  registerTensorFileFormat,
  type TensorFileFormat,
} from '@thimble/core/plugin';
import { blockFormats } from './formats/blockFormats.js';
import { GgufFile } from './GgufFile.js';
import { type CheckedGgufOptions, ggufFields, type GgufOptions } from './GgufOptions.js';
import { computeInNBits } from './nbits/computeInNBits.js';
import { nBitsKeys } from './nbits/blockLinears.js';
import { nBitsStage } from './nbits/nBitsStage.js';
import { NBitsWeights } from './nbits/NBitsWeights.js';

/** GGUF as a format of files. */
export const ggufFormat: TensorFileFormat = {
  name: 'GGUF',
  extensions: ['.gguf'],
  matches: (head) => Buffer.from(head.subarray(0, 4)).toString('latin1') === 'GGUF',
  open: async (path) => GgufFile.open(path),
};

/** Makes GGUF files known to whatever opens weights in this process, until the result is disposed; for one pipeline, use {@link GgufPlugin}. */
export function registerGguf(): Disposable {
  const registered = [
    registerTensorFileFormat(ggufFormat),
    ...blockFormats.map((format) => registerStorageFormat(format)),
  ];
  return {
    [Symbol.dispose]: () => {
      for (const each of registered.splice(0)) each[Symbol.dispose]();
    },
  };
}

/**
 * Opens GGUF files as checkpoints: `fromPretrained(…, { plugins: [new GgufPlugin()] })`. Weights are mapped as they lie, in blocks of 2 to 8 bits, and are widened piece by
 * piece where a layer needs them; with `computeType: 'matmul_nbits'` linear layers of four and eight bits read a layout of their own.
 */
export class GgufPlugin implements Plugin {
  static readonly optionFields = ggufFields;
  readonly name = 'thimble:gguf';
  readonly engines = { thimble: '^0.2.0' };
  readonly multiple = true;
  readonly #options: CheckedGgufOptions;

  /** @throws ThimbleError ERR_ARGUMENT_INVALID naming the option */
  constructor(options: GgufOptions = {}) {
    this.#options = readOptions(options, ggufFields, 'GgufPlugin');
  }

  async apply(context: PluginContext): Promise<void> {
    context.addDisposable(registerGguf());
    if (this.#options.computeType === 'matmul_nbits') await this.#computeInNBits(context);
  }

  async #computeInNBits(context: PluginContext): Promise<void> {
    const { pipeline } = context;
    const { transientBytes: budget } = new MemoryBudget(pipeline.memoryLimit);
    const packs = pipeline.memoryLimit === undefined;
    await prepareComponents<NBitsWeights>(context, {
      name: this.name,
      stage: nBitsStage,
      chosen: () => chooseComponents(pipeline, this.#options.components, /./),
      prepare: async (component, signal) =>
        NBitsWeights.of(component.weights, component.device.provider === 'cpu' ? nBitsKeys(component) : [], {
          signal,
          onProgress: percentProgress(pipeline, `${component.name} to MatMulNBits`),
        }),
      transform: (graph, weights) =>
        weights.isEmpty ? undefined : computeInNBits(graph, { budget, packs, find: (weight) => weights.find(weight) }),
    });
  }
}
