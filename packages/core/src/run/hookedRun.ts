import { finishRun } from './finishRun.js';
import type { GenerateResult } from './GenerateOptions.js';
import type { PipelineEvent } from './PipelineEvent.js';
import type { PipelineRun } from './PipelineRun.js';

/** A run with the hooks around it: the last ones are called however it ends. `sample` is what it does. */
export async function* hookedRun(
  run: PipelineRun,
  sample: AsyncGenerator<PipelineEvent, GenerateResult>,
): AsyncGenerator<PipelineEvent, GenerateResult> {
  const { context, hooks } = run;
  let result: GenerateResult | undefined;
  try {
    yield* run.during(hooks.beforeRun.call(context));
    run.signal?.throwIfAborted();
    result = yield* sample;
    context.result = result;
  } catch (error) {
    context.error = error;
    throw error;
  } finally {
    if (result === undefined) context.error ??= new DOMException('The stream was left before its end.', 'AbortError');
    context.memory = run.memory.report();
    await finishRun(hooks, context, result !== undefined);
  }
  const { excess } = run.memory;
  if (excess !== undefined) run.emit(excess);
  yield* run.drain();
  return result;
}
