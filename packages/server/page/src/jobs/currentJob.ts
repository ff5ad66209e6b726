import { effect, signal } from '@preact/signals';
import { ask, askFile } from '../api/ask.js';
import type { JobAnswer } from '../api/ServerAnswers.js';
import { loadModel } from '../form/models.js';
import { shelf } from '../gallery/PictureShelf.js';
import { notice, tell } from '../shell/notices.js';
import { session } from '../shell/session.js';
import { shown } from '../stage/shown.js';
import { FollowedJob, type JobEnd } from './FollowedJob.js';
import { jobs, removeJob } from './jobs.js';

const visible = signal(document.visibilityState === 'visible');
document.addEventListener('visibilitychange', () => {
  visible.value = document.visibilityState === 'visible';
});

/** The first job that has not ended, which is the one that is looked at. */
export const currentJob = signal<FollowedJob | undefined>(undefined);

/** Looks at the first job of the list, while anybody looks at this page. */
export function followJobs(): void {
  effect(() => {
    const id = jobs.value[0]?.id;
    const active = session.value === 'open' && visible.value;
    const before = currentJob.peek();
    if (before?.id !== id) {
      before?.pause();
      currentJob.value = id === undefined ? undefined : new FollowedJob(id, async (end) => finish(id, end));
    }
    if (active) currentJob.peek()?.resume();
    else currentJob.peek()?.pause();
  });
}

/** Ends a job. */
export async function cancelJob(id: string): Promise<void> {
  try {
    await ask(`jobs/${id}`, { method: 'DELETE' });
    if (currentJob.value?.id !== id) removeJob(id);
  } catch (error) {
    tell(error);
  }
}

async function finish(id: string, end: JobEnd): Promise<void> {
  if (end === 'lost')
    notice.value = {
      text: 'The server knows nothing of the picture any more that it was to make: it was restarted. Generate makes it again.',
    };
  else if (end.status === 'done') await keep(end);
  else if (end.status === 'failed' && end.error !== undefined)
    notice.value = { text: end.error.message, param: end.error.param };
  removeJob(id);
}

async function keep({ id, model, created_at: createdAt, images }: JobAnswer): Promise<void> {
  for (const { index, url } of images) {
    const key = `${String(createdAt).padStart(15, '0')}.${id}.${String(index).padStart(3, '0')}`;
    // The server may be known by another name out here than the one that it tells.
    await shelf.add(key, await askFile(url.slice(url.lastIndexOf('results/'))));
    if (index === 0 && shown.value === 'job') shown.value = key;
  }
  void loadModel(model);
}
