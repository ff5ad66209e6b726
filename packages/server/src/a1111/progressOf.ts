import type { JobState } from '../jobs/Job.js';
import { timestampOf } from './infoOf.js';

/** AUTOMATIC1111's report of the run that goes on; of none where there is none. */
export function progressOf(job: JobState | undefined, preview: string | undefined): object {
  const { step = 0, steps = 0, startedAt } = job ?? {};
  const progress = steps === 0 ? 0 : step / steps;
  const seconds = startedAt === undefined ? 0 : (Date.now() - startedAt) / 1000;
  return {
    progress,
    eta_relative: progress === 0 ? 0 : (seconds * (1 - progress)) / progress,
    state: {
      skipped: false,
      interrupted: job?.status === 'cancelled',
      stopping_generation: false,
      job: job?.id ?? '',
      job_count: job === undefined ? 0 : 1,
      job_no: 0,
      job_timestamp: job === undefined ? '0' : timestampOf(job.createdAt),
      sampling_step: step,
      sampling_steps: steps,
    },
    current_image: preview ?? null,
    textinfo: job?.status === 'queued' ? `waits; ${job.position} before it` : null,
  };
}
