import { readTensor } from '../../src/weights/files/readTensor.js';
import type { SafetensorsFile } from '../../src/weights/files/SafetensorsFile.js';
import type { TensorToWrite } from '../../src/weights/files/writeSafetensors.js';
import type { KeyMap } from '../../src/weights/keymaps/KeyMap.js';
import { toOriginal } from '../../src/weights/keymaps/toOriginal.js';

/** The tensors of a file with diffusers' keys as the original layout has them; those whose name is `swapped` with their halves the other way round. */
export async function originalTensors(
  map: KeyMap,
  file: SafetensorsFile,
  prefix = '',
  swapped: readonly string[] = [],
): Promise<Map<string, TensorToWrite & { readonly data: Uint8Array }>> {
  const made = new Map<string, TensorToWrite & { readonly data: Uint8Array }>();
  for (const [name, { keys, unsqueezed }] of toOriginal(map, [...file.tensors.keys()])) {
    const views = keys.map((key) => file.tensor(key));
    const [{ dtype, shape: own }] = views as [(typeof views)[number]];
    const joined = Buffer.concat(await Promise.all(views.map(readTensor)));
    const half = joined.length / 2;
    const data = swapped.some((start) => name.startsWith(start))
      ? Buffer.concat([joined.subarray(half), joined.subarray(0, half)])
      : joined;
    const shape = own.length === 0 ? [] : [views.reduce((rows, view) => rows + view.shape[0]!, 0), ...own.slice(1)];
    made.set(prefix + name, { dtype, shape: unsqueezed && shape.length === 2 ? [...shape, 1, 1] : shape, data });
  }
  return made;
}
