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

/**
 * Opens GGUF files as checkpoints: `fromPretrained(…, { plugins: [new GgufPlugin()] })`. Weights are mapped as they lie, in blocks of 2 to 8 bits, and are widened piece by
 * piece where a layer needs them.
 */
export class GgufPlugin implements Plugin {
  readonly name = 'thimble:gguf';
  readonly engines = { thimble: '^0.1.0' };
  readonly multiple = true;

  apply(context: PluginContext): void {
    context.addDisposable(registerTensorFileFormat(ggufFormat));
    for (const format of blockFormats) context.addDisposable(registerStorageFormat(format));
  }
}
