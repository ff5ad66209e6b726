import { ThimbleError } from '@thimble/core';
import { containerMemory, MemoryBudget } from '@thimble/core/plugin';
import { megabytes } from './linesOf.js';
import { leastCache } from './memory/leastCache.js';
import type { Plan } from './Plan.js';

/**
 * Refuses a plan that the container has no room for any more: its limit may change while a pipeline is open, whose buffers and allocator go by the limit that it was opened with.
 *
 * @throws ERR_MEMORY_LIMIT
 */
export function refuseShrunk({ limitBytes, peakBytes }: Plan, container = containerMemory()): void {
  if (container === undefined || limitBytes === undefined || container >= limitBytes) return;
  const neededBytes = peakBytes + leastCache(new MemoryBudget(limitBytes));
  if (neededBytes <= container) return;
  throw new ThimbleError('ERR_MEMORY_LIMIT', {
    what: `A run that was planned for ${megabytes(limitBytes)}`,
    neededBytes,
    limitBytes: container,
    advice:
      'The container had more when the pipeline was opened; open it again, and it is planned for what there is now.',
  });
}
