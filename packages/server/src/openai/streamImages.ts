import type { FastifyReply } from 'fastify';
import { answerTo, JobFailedError } from '../http/errorAnswer.js';
import { sendEvents, type SentEvent } from '../http/eventStream.js';
import { followJob } from '../http/followJob.js';
import type { JobEvent, JobImage, JobState } from '../jobs/Job.js';
import { base64Of } from '../results/base64Of.js';
import { formatOfKey } from '../results/PictureFormat.js';
import type { Service } from '../Service.js';

/** A client's stream. */
export interface ImageStream {
  readonly service: Service;
  readonly reply: FastifyReply;
  readonly job: JobState;
  readonly gone: AbortSignal;
  /** What events' names begin with. */
  readonly kind: 'image_generation' | 'image_edit';
}

/** Answers with OpenAI's events: `….partial_image` and `….completed`. A job that fails at once is an answer with a status of its own. @throws JobFailedError */
export async function streamImages(stream: ImageStream): Promise<FastifyReply> {
  const events = followJob(stream.service, stream.job, stream.gone);
  let first = await events.next();
  while (first.done !== true && isSilent(first.value)) first = await events.next();
  if (first.done !== true && first.value.type === 'error') throw new JobFailedError(first.value.error);
  return sendEvents(stream.reply, told(stream, first.done === true ? [] : [first.value], events));
}

/** Whether nothing is to be told yet, and not for long. */
function isSilent(event: JobEvent): boolean {
  return event.type === 'started' || event.type === 'memory' || (event.type === 'queued' && event.position === 0);
}

async function* told(
  stream: ImageStream,
  first: readonly JobEvent[],
  rest: AsyncIterable<JobEvent>,
): AsyncGenerator<SentEvent, void> {
  let partial = 0;
  for await (const event of joined(first, rest)) {
    if (event.type === 'error') yield { event: 'error', data: answerTo(event.error).body };
    if (event.type === 'image') yield await completed(stream, event.image);
    if (event.type === 'preview') yield* partials(stream, event.images, partial++);
  }
}

function partials({ kind, job }: ImageStream, images: readonly string[], partial: number): SentEvent[] {
  const event = `${kind}.partial_image`;
  return images.map((image, index) => ({
    event,
    data: {
      type: event,
      b64_json: image,
      partial_image_index: partial,
      index,
      ...described(job),
      output_format: 'png',
    },
  }));
}

async function completed(
  { kind, job, service }: ImageStream,
  { key, index, seed, width, height }: JobImage,
): Promise<SentEvent> {
  const event = `${kind}.completed`;
  const data = { type: event, b64_json: await base64Of(service.store, key), index, seed, ...described(job) };
  return { event, data: { ...data, size: `${width}x${height}`, output_format: formatOfKey(key) } };
}

function described({ createdAt, request: { options } }: JobState): object {
  const { width, height } = options;
  const size = typeof width === 'number' && typeof height === 'number' ? `${width}x${height}` : 'auto';
  return { created_at: Math.floor(createdAt / 1000), size, quality: 'auto', background: 'opaque' };
}

async function* joined(first: readonly JobEvent[], rest: AsyncIterable<JobEvent>): AsyncGenerator<JobEvent, void> {
  yield* first;
  yield* rest;
}
