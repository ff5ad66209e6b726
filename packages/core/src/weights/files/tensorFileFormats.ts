import { SafetensorsFile } from './SafetensorsFile.js';
import type { TensorFileFormat } from './TensorFile.js';

/** A header of JSON after the eight bytes of its length. */
const safetensors: TensorFileFormat = {
  name: 'safetensors',
  extensions: ['.safetensors'],
  matches: (head) => head[8] === '{'.charCodeAt(0) && !head.subarray(5, 8).some((byte) => byte !== 0),
  open: async (path) => SafetensorsFile.open(path),
};

/** The formats and how often each was registered; those of plugins after core's. */
const formats = new Map<TensorFileFormat, number>([[safetensors, 1]]);

/** The formats that files of tensors may have. */
export function tensorFileFormats(): readonly TensorFileFormat[] {
  return [...formats.keys()];
}

/**
 * Adds a format of files, until the result is disposed. A format says what bytes mean, so it is the same for all pipelines; the same one may be registered for each.
 *
 * @throws RangeError for a name that another format has
 */
export function registerTensorFileFormat(format: TensorFileFormat): Disposable {
  if (tensorFileFormats().some((other) => other.name === format.name && other !== format))
    throw new RangeError(`there is a file format "${format.name}" already`);
  formats.set(format, (formats.get(format) ?? 0) + 1);
  let registered = true;
  return {
    [Symbol.dispose]: () => {
      if (!registered) return;
      registered = false;
      const left = (formats.get(format) as number) - 1;
      if (left === 0) formats.delete(format);
      else formats.set(format, left);
    },
  };
}
