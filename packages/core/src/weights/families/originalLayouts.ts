import { checkMembers } from '../../fields/checkMembers.js';
import { type KeyMap, sourcesOf, unchanged } from '../keymaps/KeyMap.js';
import { type OriginalTensor, toOriginal } from '../keymaps/toOriginal.js';
import type { KeySource } from '../layers/remapped.js';
import type { TensorView } from '../TensorView.js';
import { partLayouts } from './partLayouts.js';

/** For each of a model's keys, the tensor of an original layout that it is, or the rows of one. */
export type OriginalLayout = ReadonlyMap<string, KeySource>;

/**
 * Where the weights of a model lie in files of each original layout that is known and that has all of them: `down_blocks.0.resnets.0.conv1.weight` is
 * `input_blocks.1.0.in_layers.2.weight` in files of Stable Diffusion. For what has the names of such files, such as an adapter.
 *
 * @param shapes of the model's parameters, by diffusers' keys
 * @returns without prefixes; empty for a model whose layouts nobody knows
 * @throws ERR_ARGUMENT_INVALID for what is no map
 */
export function originalLayouts(shapes: ReadonlyMap<string, readonly number[]>): readonly OriginalLayout[] {
  checkMembers('shapes', shapes, "a map of shapes by the model's keys", ['keys', 'get']);
  const maps = new Set(partLayouts.map(({ keyMap }) => keyMap).filter((map) => map !== unchanged));
  return [...maps].flatMap((map) => {
    const tensors = originalTensors(map, [...shapes.keys()]);
    return tensors === undefined || tensors.size === 0 ? [] : [sourcesOf(map, viewsOf(tensors, shapes), '')];
  });
}

function originalTensors(map: KeyMap, keys: readonly string[]): ReadonlyMap<string, OriginalTensor> | undefined {
  try {
    return toOriginal(map, keys);
  } catch (error) {
    // It is the layout of another model.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** As if there was such a file: with the shapes, and without a place. */
function viewsOf(
  tensors: ReadonlyMap<string, OriginalTensor>,
  shapes: ReadonlyMap<string, readonly number[]>,
): ReadonlyMap<string, TensorView> {
  return new Map(
    Array.from(tensors, ([name, { keys }]) => {
      const rows = keys.reduce((sum, key) => sum + (shapes.get(key)?.[0] ?? 0), 0);
      const shape = [rows, ...(shapes.get(keys[0] as string) ?? []).slice(1)];
      return [name, { name, dtype: 'F32', shape, file: '', offset: 0, byteLength: 0 }] as const;
    }),
  );
}
