import { builderOf, cast, concat, cos, mul, sin, slice } from '../../graph/operations.js';
import type { Value } from '../../graph/Value.js';
import type { Rotation } from './rotaryAxes.js';

/** How a head's features are shared out among axes; as {@link RotaryAxes}. */
export interface IdAxes {
  readonly axes: readonly number[];
  readonly rotaryBase: number;
}

/** The tables by which tokens are turned whose positions are an input: ids of each, [tokens, axes], one list after the other; [tokens, headSize / 2]. */
export function rotationOfIds(lists: readonly Value[], { axes, rotaryBase }: IdAxes): Rotation {
  const positions = cast(concat(lists, 0), 'float32');
  const angles = axes.map((features, axis) => {
    const frequencies = Array.from({ length: features / 2 }, (_, i) => 1 / rotaryBase ** ((2 * i) / features));
    const table = builderOf(positions).constant('float32', [1, features / 2], frequencies);
    return mul(slice(positions, 1, axis, axis + 1), table);
  });
  return { cosines: cos(concat(angles, 1)), sines: sin(concat(angles, 1)) };
}
