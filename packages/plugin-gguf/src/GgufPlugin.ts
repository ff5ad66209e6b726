import type { Plugin } from '@thimble/core';
import {
  type PluginContext,
  registerStorageFormat,
  registerTensorFileFormat,
  type TensorFileFormat,
} from '@thimble/core/plugin';
import { blockFormats } from './formats/blockFormats.js';
import { GgufFile } from './GgufFile.js';

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
 * piece where a layer needs them.
 */
export class GgufPlugin implements Plugin {
  readonly name = 'thimble:gguf';
  readonly engines = { thimble: '^0.1.0' };
  readonly multiple = true;

  apply(context: PluginContext): void {
    context.addDisposable(registerGguf());
  }
}
