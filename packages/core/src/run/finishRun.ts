import type { RunContext } from '../hooks/calls/RunContext.js';
import type { Hooks } from '../hooks/manifest.js';

/** Calls the last hooks of a run. A failed run rejects with its own error, so what goes wrong here is only warned of then. */
export async function finishRun(hooks: Hooks, context: RunContext, succeeded: boolean): Promise<void> {
  const errors: unknown[] = [];
  const note = (error: unknown): void => void errors.push(error);
  if (!succeeded) await hooks.failed.call(context).catch(note);
  await hooks.afterRun.call(context).catch(note);
  if (errors.length === 0) return;
  if (succeeded) throw errors[0];
  for (const error of errors) process.emitWarning(`After a failed run: ${String(error)}`, { code: 'THIMBLE_CLEAN_UP' });
}
