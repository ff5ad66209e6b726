import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { JSX } from 'preact';
import { cancelJob } from '../jobs/currentJob.js';
import type { FollowedJob, JobView } from '../jobs/FollowedJob.js';
import { jobs } from '../jobs/jobs.js';
import { Icon } from '../shell/Icon.js';
import { duration } from '../shell/quantities.js';
import { shown } from './shown.js';

/** How far the job is that is looked at, which ones wait behind it, and how to end them. */
export function JobProgress({ job }: { readonly job: FollowedJob }): JSX.Element {
  const view = job.view.value;
  const [first, ...waiting] = jobs.value;
  return (
    <div class="progress card">
      <div class="line">
        <button type="button" class="title quiet" title={first?.prompt} onClick={() => (shown.value = 'job')}>
          {first?.prompt}
        </button>
        <button type="button" onClick={() => void cancelJob(job.id)}>
          Cancel
        </button>
      </div>
      {view.steps === 0 ? (
        <progress aria-label="Progress" />
      ) : (
        <progress aria-label="Progress" value={view.step} max={view.steps} />
      )}
      <p class="line">
        <span role="status">{stateOf(view)}</span>
        <span class="left">{view.step < view.steps && <TimeLeft end={view.end} />}</span>
      </p>
      {waiting.map(({ id, prompt }) => (
        <p key={id} class="line next">
          <span class="title">Next: {prompt}</span>
          <button type="button" class="quiet" aria-label={`Cancel: ${prompt}`} onClick={() => void cancelJob(id)}>
            <Icon name="close" />
          </button>
        </p>
      ))}
    </div>
  );
}

function TimeLeft({ end }: { readonly end: number | undefined }): JSX.Element | null {
  const now = useSignal(performance.now());
  useEffect(() => {
    const timer = setInterval(() => (now.value = performance.now()), 500);
    return () => clearInterval(timer);
  }, []);
  return end === undefined ? null : <>{`${duration(end - now.value)} left`}</>;
}

function stateOf({ status, position, step, steps }: JobView): string {
  if (status === 'queued') return position > 0 ? `Waiting, ${position} before it` : 'Waiting';
  if (step === 0) return 'Beginning';
  return step < steps ? `Step ${step} of ${steps}` : 'Finishing';
}
