import { ThimbleError } from '../errors.js';
import { copyScheduler } from '../schedulers/copyScheduler.js';
import type { Scheduler } from '../schedulers/Scheduler.js';

/** Those whose state belongs to a run, of whatever pipeline: one object may be in several. */
const running = new WeakSet<Scheduler>();

/** Puts a scheduler in its name's place until disposed, unless somebody else has put one there since. */
function swap(schedulers: Record<string, Scheduler>, own: Scheduler, ended: () => void = () => undefined): Disposable {
  const before = schedulers['scheduler'] as Scheduler;
  schedulers['scheduler'] = own;
  return {
    [Symbol.dispose]: () => {
      ended();
      if (schedulers['scheduler'] === own) schedulers['scheduler'] = before;
    },
  };
}

/**
 * Gives a run the scheduler in `schedulers` until disposed; while another pipeline's run has that, a copy that takes its place there.
 *
 * @throws ERR_PIPELINE_BUSY where none can be made
 */
export function runScheduler(schedulers: Record<string, Scheduler>): Disposable | undefined {
  const { scheduler } = schedulers;
  if (scheduler === undefined) return undefined;
  const own = running.has(scheduler) ? copyScheduler(scheduler) : scheduler;
  if (own === undefined)
    throw new ThimbleError('ERR_PIPELINE_BUSY', {
      action: 'start a run',
      during: 'a run of another pipeline with the same scheduler, whose class cannot be copied (no fromConfig)',
    });
  running.add(own);
  return swap(schedulers, own, () => running.delete(own));
}

/** Does something with a copy in the scheduler's place: its state stays as it is. Nothing where there is a scheduler and no copy can be made. */
export function withSchedulerCopy<T>(schedulers: Record<string, Scheduler>, work: () => T): T | undefined {
  const { scheduler } = schedulers;
  const copy = scheduler === undefined ? undefined : copyScheduler(scheduler);
  if (scheduler !== undefined && copy === undefined) return undefined;
  using swapped = copy === undefined ? undefined : swap(schedulers, copy);
  void swapped;
  return work();
}
