import type { JobEvent, JobState } from '../jobs/Job.js';
import type { Service } from '../Service.js';
import { ServerError } from '../ServerError.js';
import { JobFailedError } from './errorAnswer.js';

/** Cancels a job whose client goes away: it is for nobody else. */
export function cancelWhenGone({ queue }: Service, id: string, gone: AbortSignal): void {
  const cancel = (): void => void queue.cancel(id).catch(() => undefined);
  if (gone.aborted) cancel();
  else gone.addEventListener('abort', cancel, { once: true });
}

/** What happens to the job of a client who waits, who has it cancelled by going away; so does a server that ends. @throws `gone.reason` */
export async function* followJob(
  service: Service,
  { id }: JobState,
  gone: AbortSignal,
): AsyncGenerator<JobEvent, void> {
  cancelWhenGone(service, id, gone);
  let over = false;
  try {
    for await (const { event } of service.queue.events(id, { signal: gone })) {
      over = event.type === 'done' || event.type === 'error';
      yield event;
    }
  } finally {
    if (!over) void service.queue.cancel(id).catch(() => undefined);
  }
}

/** The job of a client who waits, once it is done. @throws JobFailedError; `gone.reason` */
export async function finishJob(service: Service, job: JobState, gone: AbortSignal): Promise<JobState> {
  for await (const event of followJob(service, job, gone))
    if (event.type === 'error') throw new JobFailedError(event.error);
  const state = await service.queue.get(job.id);
  if (state === undefined) throw new ServerError('ERR_JOB_UNKNOWN', {});
  return state;
}
