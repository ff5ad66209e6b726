import { refuseOption } from '@thimble/core/plugin';
import type { ReusePlan } from './ReusePlan.js';

/** The blocks that picture tokens pass through, in the models of core: CogVideoX, Stable Diffusion 3, FLUX.1 and FLUX.2; then Z-Image. */
const BLOCK = /^(transformer_blocks|single_transformer_blocks|layers)\.\d+$/;

/**
 * Of a transformer the first `depth` blocks are computed in every step; those behind them may be passed over (source: first-block caching, as in diffusers'
 * hooks/first_block_cache.py).
 *
 * @param names of the segments in the order of execution
 */
export function planTransformerReuse(names: readonly string[], depth: number): ReusePlan | undefined {
  const blocks = names.filter((name) => BLOCK.test(name));
  const [first] = blocks;
  if (first === undefined || blocks.length < 2) return undefined;
  if (depth >= blocks.length)
    refuseOption('depth', depth, `less than ${blocks.length}, which is how many blocks the transformer has`);
  const bridge = blocks.at(-1) as string;
  const skipped = names.slice(names.indexOf(blocks[depth] as string), names.indexOf(bridge) + 1);
  return { skipped: new Set(skipped), bridge, head: { first, last: blocks[depth - 1] as string } };
}
