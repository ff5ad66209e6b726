import type { DiffusionPipeline } from '@thimble/core';
import { type Bench, PROMPTS } from '../Bench.js';
import type { ConformanceRule } from '../ConformanceRule.js';
import { violation } from '../violation.js';
import { failureAt, interrupt, type Place } from './interruption.js';

export const abort: ConformanceRule = {
  name: 'abort',
  summary: "lets an abort through as the signal's reason, and leaves the pipeline usable and removable",
  check: async (bench) => interrupt(bench, (place, pipe) => abortAt(bench, place, pipe)),
};

async function abortAt(bench: Bench, place: Place, pipe: DiffusionPipeline): Promise<void> {
  const controller = new AbortController();
  const reason = new Error('the conformance suite aborts this run');
  const failure = await failureAt(place, pipe, {
    act: () => controller.abort(reason),
    run: async () => bench.generate(pipe, PROMPTS, { signal: controller.signal }),
    what: 'the run was aborted',
  });
  if (failure !== undefined && failure.thrown !== reason)
    throw violation(
      `a run that was aborted ${place.title} rejects with something else than the signal's reason`,
      failure.thrown,
    );
}
