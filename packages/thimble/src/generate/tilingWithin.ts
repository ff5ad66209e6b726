import { MemoryBudget } from '@thimble/core/plugin';
import type { GenerateFlags } from './GenerateFlags.js';

const TILING = '@thimble/plugin-vae-tiling';

/** How pictures are decoded where nobody says it: in what fits, if it is known how much there is. The plugin leaves alone what fits as it is. @throws ERR_ARGUMENT_INVALID */
export function tilingWithin({
  vaeTiling,
  memoryLimit,
  use,
}: Pick<GenerateFlags, 'vaeTiling' | 'memoryLimit' | 'use'>): Pick<GenerateFlags, 'vaeTiling'> {
  const { limit } = MemoryBudget.of(memoryLimit);
  if (vaeTiling !== undefined || limit === undefined || use.some((spec) => spec.package === TILING)) return {};
  return { vaeTiling: 'auto' };
}
