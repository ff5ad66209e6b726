import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { closedSignal } from '../http/closedSignal.js';
import { finishJob } from '../http/followJob.js';
import { imagesBody } from '../http/generationSchema.js';
import { readGeneration } from '../http/readGeneration.js';
import type { RouteContext } from '../http/RouteContext.js';
import type { Generation } from '../jobs/Generation.js';
import { formatOfKey } from '../results/PictureFormat.js';
import { base64Of } from '../results/base64Of.js';
import type { ImagesBody } from './ImagesBody.js';
import { readEdit } from './readEdit.js';
import { streamImages } from './streamImages.js';

/** `POST /v1/images/generations` and `/v1/images/edits`, as OpenAI has them, with the options of diffusion models beside. */
export function imagesRoutes(app: FastifyInstance, context: RouteContext): void {
  app.post<{ Body: ImagesBody }>(
    '/v1/images/generations',
    { schema: { summary: 'Makes pictures of a prompt', tags: ['OpenAI'], body: imagesBody } },
    async (request, reply) => {
      const { body } = request;
      return answer(
        context,
        { request, reply, body, kind: 'image_generation' },
        await readGeneration(body, context.pictures),
      );
    },
  );
  app.post(
    '/v1/images/edits',
    {
      schema: {
        summary: 'Makes pictures of a picture and a prompt',
        tags: ['OpenAI'],
        consumes: ['multipart/form-data'],
      },
    },
    async (request, reply) => {
      const { body, generation } = await readEdit(request, context.pictures);
      return answer(context, { request, reply, body, kind: 'image_edit' }, generation);
    },
  );
}

interface Asked {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly body: ImagesBody;
  readonly kind: 'image_generation' | 'image_edit';
}

async function answer(
  context: RouteContext,
  { request, reply, body, kind }: Asked,
  generation: Generation,
): Promise<unknown> {
  const { service } = context;
  const gone = closedSignal(reply);
  const { stream = false, partial_images: previews = 0, response_format: format = 'b64_json' } = body;
  const job = await service.submit(stream && previews > 0 ? { ...generation, previews } : generation);
  if (stream) return streamImages({ service, reply, job, gone, kind });
  const { images, createdAt } = await finishJob(service, job, gone);
  const data = images.map(async ({ key, seed }) => ({
    ...(format === 'url' ? { url: context.resultUrl(request, key) } : { b64_json: await base64Of(service.store, key) }),
    ...(seed === undefined ? {} : { seed }),
  }));
  const [first] = images;
  return {
    created: Math.floor(createdAt / 1000),
    data: await Promise.all(data),
    ...(first === undefined ? {} : { size: `${first.width}x${first.height}`, output_format: formatOfKey(first.key) }),
    background: 'opaque',
  };
}
