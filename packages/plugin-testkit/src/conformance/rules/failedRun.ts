import type { DiffusionPipeline } from '@thimble/core';
import type { Bench } from '../Bench.js';
import type { ConformanceRule } from '../ConformanceRule.js';
import { violation } from '../violation.js';
import { failureAt, interrupt, type Place } from './interruption.js';

export const failedRun: ConformanceRule = {
  name: 'failed-run',
  summary: 'lets a failure through, and leaves the pipeline usable and removable',
  check: async (bench) => interrupt(bench, (place, pipe) => fail(bench, place, pipe)),
};

async function fail(bench: Bench, place: Place, pipe: DiffusionPipeline): Promise<void> {
  const cause = new Error('the conformance suite lets this run fail');
  const failure = await failureAt(place, pipe, {
    act: () => {
      throw cause;
    },
    run: async () => bench.generate(pipe),
    what: 'something failed',
  });
  if (failure !== undefined && !isCausedBy(failure.thrown, cause))
    throw violation(
      `what failed ${place.title} became another failure; throw on what you catch, or give it as cause`,
      failure.thrown,
    );
}

function isCausedBy(error: unknown, cause: Error): boolean {
  if (error === cause) return true;
  return typeof error === 'object' && error !== null && 'cause' in error && isCausedBy(error.cause, cause);
}
