import type { ComponentHandle } from '@thimble/core/plugin';
import { planTransformerReuse } from './planTransformerReuse.js';
import { planUNetReuse } from './planUNetReuse.js';
import type { ReusePlan } from './ReusePlan.js';

/**
 * The plan for a denoiser where `depth` layers are computed in every step; `undefined` for a model that is neither a UNet nor a transformer of several blocks.
 *
 * @throws ERR_ARGUMENT_INVALID for a depth that leaves nothing to pass over
 */
export function planReuse({ segments }: Pick<ComponentHandle, 'segments'>, depth: number): ReusePlan | undefined {
  const names = segments.map(({ name }) => name);
  return planUNetReuse(names, depth) ?? planTransformerReuse(names, depth);
}
