import { checkMembers } from '../../fields/checkMembers.js';
import { FormatRegistry } from '../FormatRegistry.js';
import { SafetensorsFile } from './SafetensorsFile.js';
import type { TensorFileFormat } from './TensorFile.js';

/** A header of JSON after the eight bytes of its length. */
const safetensors: TensorFileFormat = {
  name: 'safetensors',
  extensions: ['.safetensors'],
  matches: (head) => head[8] === '{'.charCodeAt(0) && !head.subarray(5, 8).some((byte) => byte !== 0),
  open: async (path) => SafetensorsFile.open(path),
};

/** Those of plugins after core's. */
const registry = new FormatRegistry<'name', TensorFileFormat>('file', 'name', [safetensors]);

/** The formats that files of tensors may have. */
export function tensorFileFormats(): readonly TensorFileFormat[] {
  return registry.formats;
}

/**
 * Adds a format of files, until the result is disposed. A format says what bytes mean, so it is the same for all pipelines; the same one may be registered for each.
 *
 * @throws ERR_ARGUMENT_INVALID for a name that another format has
 */
export function registerTensorFileFormat(format: TensorFileFormat): Disposable {
  checkMembers('format', format, 'a format of files', ['name', 'extensions', 'matches', 'open']);
  return registry.register(format);
}
