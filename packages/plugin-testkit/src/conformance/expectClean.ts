import type { DiffusionPipeline } from '@thimble/core';
import { type Holdings, holdingsOf, leftovers } from './Holdings.js';
import { violation } from './violation.js';

/** Checks that a pipeline holds no more than `before`. `when` ends the sentence: "after the plugin was removed". */
export async function expectClean(pipe: DiffusionPipeline, before: Holdings, when: string): Promise<void> {
  const left = leftovers(before, await holdingsOf(pipe));
  if (left.length > 0) throw violation(`${left.join(', ')} left ${when}`);
}
