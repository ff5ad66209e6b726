import type { MemoryBudget } from '@thimble/core/plugin';

const MB = 2 ** 20;

/**
 * What a limit that counts the page cache needs room for beside what cannot be taken back, in bytes: pages of programs, what the system keeps for both processes, such as tables of pages (3 to 8 MB), and where weights
 * are mapped those that a layer just reads. SD 1.5 within 160 MB was killed with 149 MB held, and completes with 135.
 */
export function leastCache({ weightParts }: Pick<MemoryBudget, 'weightParts'>): number {
  return weightParts === undefined ? 28 * MB : 22 * MB;
}
