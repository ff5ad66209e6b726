import { signal } from '@preact/signals';
import { ask } from '../api/ask.js';
import type { JobAnswer } from '../api/ServerAnswers.js';
import { addJob } from '../jobs/jobs.js';
import { notice, tell } from '../shell/notices.js';
import { shown } from '../stage/shown.js';
import { inputPicture } from './inputPicture.js';
import { maskOf } from './maskStrokes.js';
import { model, takes } from './models.js';
import { requestBody } from './requestBody.js';
import { settings } from './settings.js';

/** Whether a request is under way. */
export const submitting = signal(false);

/** Has the server make what the form says. */
export async function submit(): Promise<void> {
  if (submitting.value) return;
  submitting.value = true;
  notice.value = undefined;
  try {
    const picture = takes('strength') ? inputPicture.value : undefined;
    const pictures = picture && { image: picture.dataUrl, mask: maskOf(picture) };
    const chosen = { ...settings.value, model: model.value?.id ?? '' };
    const { id, prompt } = await ask<JobAnswer>('jobs', { method: 'POST', body: requestBody(chosen, pictures) });
    addJob({ id, prompt });
    shown.value = 'job';
  } catch (error) {
    tell(error);
  } finally {
    submitting.value = false;
  }
}
