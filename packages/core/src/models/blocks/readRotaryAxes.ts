import type { ConfigReader } from '../../fields/ConfigReader.js';

/**
 * FLUX's `axes_dims_rope`: how many features of a head are turned by each axis of a position.
 *
 * @throws ERR_CONFIG_UNSUPPORTED for odd numbers, and for others than `headSize` in all
 */
export function readRotaryAxes(reader: ConfigReader, headSize: number, defaults: readonly number[]): readonly number[] {
  const axes = reader.sizes('axes_dims_rope', undefined, defaults);
  if (axes.reduce((a, b) => a + b, 0) !== headSize || axes.some((features) => features % 2 !== 0))
    reader.unsupported('axes_dims_rope', axes, `even numbers with the sum attention_head_dim, ${headSize}`);
  return axes;
}
