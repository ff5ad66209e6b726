import type { FastifyInstance, FastifyReply } from 'fastify';
import { sendError } from '../http/errorAnswer.js';
import type { RouteContext } from '../http/RouteContext.js';
import { A1111Jobs } from './A1111Jobs.js';
import { img2imgBody, type Img2ImgBody, txt2imgBody, type Txt2ImgBody } from './a1111Schema.js';
import { progressOf } from './progressOf.js';
import { readImg2Img, readTxt2Img } from './readA1111.js';
import { SAMPLERS, SCHEDULES } from './samplers.js';

const OPTIONS = {
  type: 'object',
  properties: { sd_model_checkpoint: { type: 'string', minLength: 1, maxLength: 300 } },
};
const PROGRESS = { type: 'object', properties: { skip_current_image: { type: 'string' } } };

/** `/sdapi/v1`: what clients of AUTOMATIC1111's web UI use. Source: its modules/api/models.py and api.py. */
export function a1111Routes(app: FastifyInstance, context: RouteContext): void {
  const { models } = context.service;
  const jobs = new A1111Jobs(context.service);
  const tags = ['AUTOMATIC1111'];
  // Its clients look for `detail`.
  app.setErrorHandler((error, request, reply) => sendError(error, request, withDetail(reply)));

  app.post<{ Body: Txt2ImgBody }>(
    '/txt2img',
    { schema: { summary: 'Makes pictures of a prompt', tags, body: txt2imgBody } },
    async ({ body }, reply) => jobs.run(await readTxt2Img(body, jobs.model), body, reply),
  );
  app.post<{ Body: Img2ImgBody }>(
    '/img2img',
    { schema: { summary: 'Makes pictures of a picture and a prompt', tags, body: img2imgBody } },
    async ({ body }, reply) => jobs.run(await readImg2Img(body, jobs.model, context.pictures), body, reply),
  );
  app.get<{ Querystring: { readonly skip_current_image?: string } }>(
    '/progress',
    { schema: { summary: 'How far the run is, and how it looks', tags, querystring: PROGRESS } },
    async ({ query }) => progressOf(await jobs.current(), await jobs.preview(query.skip_current_image === 'true')),
  );
  app.post('/interrupt', { schema: { summary: 'Cancels the run', tags } }, async () => {
    await jobs.interrupt();
    return {};
  });

  app.get('/sd-models', { schema: { summary: 'The models', tags } }, () =>
    models.names.map((name) => ({
      title: name,
      model_name: name,
      hash: null,
      sha256: null,
      filename: name,
      config: null,
    })),
  );
  app.get('/samplers', { schema: { summary: 'The samplers', tags } }, () =>
    SAMPLERS.map(({ name, aliases }) => ({ name, aliases, options: {} })),
  );
  app.get('/schedulers', { schema: { summary: 'How noise levels are spaced', tags } }, () =>
    SCHEDULES.map(({ name, label }) => ({ name, label, aliases: null, default_rho: -1, need_inner_model: false })),
  );
  app.get('/options', { schema: { summary: 'The settings', tags } }, () => ({
    sd_model_checkpoint: jobs.model,
    samples_format: 'png',
  }));
  app.post<{ Body: { readonly sd_model_checkpoint?: string } }>(
    '/options',
    { schema: { summary: 'Sets the model of requests that name none', tags, body: OPTIONS } },
    ({ body: { sd_model_checkpoint: model } }) => {
      if (model !== undefined) jobs.model = model;
      return {};
    },
  );
  app.get('/loras', { schema: { summary: 'What <lora:NAME:SCALE> in a prompt may name', tags } }, async () =>
    (await models.loras()).map((name) => ({ name, alias: name, path: name, metadata: {} })),
  );
  // They are looked up whenever they are asked for.
  app.post('/refresh-loras', { schema: { summary: 'Looks for LoRAs again', tags } }, () => ({}));
  app.get('/upscalers', { schema: { summary: 'There are none', tags } }, () => []);
  app.get('/sd-vae', { schema: { summary: 'There are none', tags } }, () => []);
}

function withDetail(reply: FastifyReply): FastifyReply {
  const send = reply.send.bind(reply);
  reply.send = (body: unknown) => {
    const { error } = body as { readonly error?: { readonly message: string } };
    return send(error === undefined ? body : { ...(body as object), detail: error.message });
  };
  return reply;
}
