import type { FastifyInstance, FastifyRequest } from 'fastify';
import { closedSignal } from '../http/closedSignal.js';
import { sendEvents, type SentEvent } from '../http/eventStream.js';
import { jobBody } from '../http/generationSchema.js';
import { type GenerationBody, readGeneration } from '../http/readGeneration.js';
import type { RouteContext } from '../http/RouteContext.js';
import { ServerError } from '../ServerError.js';
import type { JobImage, JobState, NumberedEvent } from './Job.js';

const ID = {
  type: 'object',
  properties: { id: { type: 'string', pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' } },
};
const KEY = { type: 'object', properties: { 'idempotency-key': { type: 'string', minLength: 1, maxLength: 255 } } };
const AFTER = { type: 'object', properties: { after: { type: 'string', pattern: '^\\d{1,9}$' } } };

interface ById {
  readonly Params: { readonly id: string };
}

/** Jobs: `POST /jobs`, and of each its state, its events, its end. */
export function jobsRoutes(app: FastifyInstance, context: RouteContext): void {
  const { service } = context;
  const find = async (id: string): Promise<JobState> => {
    const state = await service.queue.get(id);
    if (state === undefined) throw new ServerError('ERR_JOB_UNKNOWN', {});
    return state;
  };

  app.post<{
    Body: GenerationBody & { readonly previews?: boolean };
    Headers: { readonly 'idempotency-key'?: string };
  }>(
    '/jobs',
    { schema: { summary: 'Takes in a job', tags: ['Jobs'], body: jobBody, headers: KEY } },
    async (request, reply) => {
      const { body, headers } = request;
      const generation = await readGeneration(body, context.pictures);
      const job = await service.submit(
        body.previews === true ? { ...generation, previews: 'live' } : generation,
        headers['idempotency-key'],
      );
      return reply
        .code(202)
        .header('location', `${app.prefix}/jobs/${job.id}`)
        .send(described(context, request, job));
    },
  );

  app.get<ById>('/jobs/:id', { schema: { summary: 'How far a job is', tags: ['Jobs'], params: ID } }, async (request) =>
    described(context, request, await find(request.params.id)),
  );

  app.delete<ById>(
    '/jobs/:id',
    { schema: { summary: 'Cancels a job', tags: ['Jobs'], params: ID } },
    async (request) => {
      await find(request.params.id);
      await service.queue.cancel(request.params.id);
      return described(context, request, await find(request.params.id));
    },
  );

  app.get<ById & { Querystring: { readonly after?: string } }>(
    '/jobs/:id/events',
    {
      schema: {
        summary: 'What happens to a job, as server-sent events',
        tags: ['Jobs'],
        params: ID,
        querystring: AFTER,
      },
    },
    async (request, reply) => {
      const { params, query, headers } = request;
      await find(params.id);
      const last = query.after ?? headers['last-event-id'];
      const after = typeof last === 'string' && /^\d{1,9}$/.test(last) ? Number(last) : 0;
      const events = service.queue.events(params.id, { after, signal: closedSignal(reply) });
      return sendEvents(
        reply,
        sent(events, (image) => describedImage(context, request, image)),
      );
    },
  );
}

async function* sent(
  events: AsyncIterable<NumberedEvent>,
  imageOf: (image: JobImage) => object,
): AsyncGenerator<SentEvent, void> {
  for await (const { number, event } of events) {
    const { type, ...data } = event;
    yield { id: number, event: type, data: event.type === 'image' ? imageOf(event.image) : data };
  }
}

function described(context: RouteContext, request: FastifyRequest, state: JobState): object {
  const { id, status, position, step, steps, images, error, createdAt, startedAt, finishedAt } = state;
  const { model, prompt, options } = state.request;
  return {
    id,
    status,
    position,
    model,
    prompt,
    options,
    progress: { step, steps },
    images: images.map((image) => describedImage(context, request, image)),
    ...(error === undefined ? {} : { error }),
    created_at: createdAt,
    started_at: startedAt ?? null,
    finished_at: finishedAt ?? null,
  };
}

function describedImage({ resultUrl }: RouteContext, request: FastifyRequest, { key, ...image }: JobImage): object {
  return { ...image, url: resultUrl(request, key) };
}
