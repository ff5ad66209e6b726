import type { KeyMap } from '../../src/weights/keymaps/KeyMap.js';
import { toOriginal } from '../../src/weights/keymaps/toOriginal.js';

/** Names and shapes in the original layout, of tensors with diffusers' keys. */
export function originalShapes(
  map: KeyMap,
  shapes: ReadonlyMap<string, readonly number[]>,
  prefix: string,
): Map<string, readonly number[]> {
  return new Map(
    Array.from(toOriginal(map, [...shapes.keys()]), ([name, { keys, unsqueezed, transposed }]) => {
      const [, ...rest] = shapes.get(keys[0] as string) as readonly number[];
      const shape = [keys.reduce((sum, key) => sum + (shapes.get(key)?.[0] ?? 0), 0), ...rest];
      const turned = transposed ? shape.toReversed() : shape;
      return [prefix + name, unsqueezed && shape.length === 2 ? [...turned, 1, 1] : turned];
    }),
  );
}
