import { refuseOption } from '@thimble/core/plugin';
import type { ReusePlan } from './ReusePlan.js';

/**
 * Of a UNet the last `depth` layers of the way up are computed in every step, and of the way down what they take back: its first `depth` hidden states, of which `conv_in` gives
 * the first (source: X. Ma et al., "DeepCache", 2023, arXiv 2312.00858, section 3.2).
 *
 * @param names of the segments in the order of execution
 */
export function planUNetReuse(names: readonly string[], depth: number): ReusePlan | undefined {
  const layers = names.filter((name) => /^up_blocks\.\d+\.resnets\.\d+$/.test(name)).length;
  if (layers === 0) return undefined;
  if (depth >= layers)
    refuseOption('depth', depth, `less than ${layers}, which is how many layers the UNet's way up has`);
  // States of the way down, and layers of the way up, that the segments before have begun.
  let [states, layer] = [0, 0];
  const skipped = names.filter((name) => {
    if (/^down_blocks\.\d+\.(resnets|downsamplers)\.\d+$/.test(name)) states++;
    if (/^up_blocks\.\d+\.resnets\.\d+$/.test(name)) layer++;
    if (name.startsWith('down_blocks.')) return states >= depth;
    if (name.startsWith('up_blocks.')) return layer <= layers - depth;
    return name.startsWith('mid_block.');
  });
  return { skipped: new Set(skipped), bridge: skipped.at(-1) as string };
}
