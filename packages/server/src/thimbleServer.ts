import cookie from '@fastify/cookie';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { a1111Routes } from './a1111/a1111Routes.js';
import { withoutNulls } from './http/withoutNulls.js';
import { sendError } from './http/errorAnswer.js';
import type { RouteContext } from './http/RouteContext.js';
import { statusRoutes } from './http/statusRoutes.js';
import { jobsRoutes } from './jobs/jobsRoutes.js';
import { imagesRoutes } from './openai/imagesRoutes.js';
import { modelsRoutes } from './openai/modelsRoutes.js';
import { pageFiles } from './page/pageFiles.js';
import { serverRoute } from './page/serverRoute.js';
import { PictureReader } from './pictures/PictureReader.js';
import { resultsRoutes } from './results/resultsRoutes.js';
import { Access } from './security/Access.js';
import { accessGuard } from './security/accessGuard.js';
import { Service } from './Service.js';
import type { ServiceOptions } from './ServerOptions.js';

/** Files, fields and bytes of a form. */
const MOST_FILES = 17;
const MOST_FIELDS = 100;
const LONGEST_FIELD = 2 ** 16;

/** Options of {@link thimbleServer}: those of the services, or services that are there already. */
export type ThimbleServerOptions = ServiceOptions | { readonly service: Service };

/**
 * The server's routes as a Fastify plugin: `app.register(thimbleServer, { prefix: '/pictures', models: { sd: 'models/stable-diffusion-v1-5' } })`. Where it is mounted, the
 * application sees to who may reach it; with `token` the routes do. Closing the application cancels what is not done.
 *
 * @throws ERR_ARGUMENT_INVALID for an option that cannot be
 */
export async function thimbleServer(
  app: FastifyInstance,
  options: ThimbleServerOptions & { readonly prefix?: string },
): Promise<void> {
  const service = 'service' in options ? options.service : await Service.create(withoutPrefix(options));
  const { settings, metrics } = service;
  const access = new Access(settings.token);
  const context: RouteContext = {
    service,
    pictures: new PictureReader(settings),
    resultUrl: (request, key) => resultUrl(app, request, key, access.signatureOf(key)),
  };
  service.onFault((error) => app.log.error({ err: error }, 'a job failed'));
  app.setErrorHandler(sendError);
  app.addHook('onResponse', async (request, reply) =>
    metrics.answered(request.method, request.routeOptions.url ?? '', reply.statusCode),
  );
  app.addHook('preValidation', withoutNulls);
  app.addHook('onClose', async () => service.close());
  await app.register(cookie);
  await app.register(multipart, {
    limits: {
      files: MOST_FILES,
      fields: MOST_FIELDS,
      fieldSize: LONGEST_FIELD,
      fileSize: settings.bodyLimit,
      parts: MOST_FILES + MOST_FIELDS,
    },
  });
  await app.register(async (guarded) => {
    accessGuard(guarded, access);
    for (const routes of [statusRoutes, serverRoute, imagesRoutes, modelsRoutes, jobsRoutes, resultsRoutes])
      routes(guarded, context);
    await guarded.register(async (scope) => a1111Routes(scope, context), { prefix: '/sdapi/v1' });
  });
  await pageFiles(app);
}

function resultUrl(app: FastifyInstance, request: FastifyRequest, key: string, signature: string | undefined): string {
  const query = signature === undefined ? '' : `?signature=${signature}`;
  return `${request.protocol}://${request.host}${app.prefix}/results/${key}${query}`;
}

/** Without Fastify's own option. */
function withoutPrefix(options: ServiceOptions): ServiceOptions {
  const given = Object.entries(options).filter(([name]) => name !== 'prefix');
  return Object.fromEntries(given) as ServiceOptions;
}
