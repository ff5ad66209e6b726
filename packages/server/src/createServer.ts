import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import { VERSION } from '@thimble/core';
import Fastify, { type FastifyInstance } from 'fastify';
import { sendError } from './http/errorAnswer.js';
import { hostGuard, isLocal } from './security/hostGuard.js';
import { ServerError } from './ServerError.js';
import { readServerOptions, type ServerOptions, type ServerSettings, serviceOptionsOf } from './ServerOptions.js';
import { Service } from './Service.js';
import { thimbleServer } from './thimbleServer.js';

/** Milliseconds for which a connection is kept for a next request; it holds up the end for as long. */
const KEEP_ALIVE = 5000;
/** Characters of an address; beyond it there is no route. */
const LONGEST_PARAMETER = 500;

/** A server of its own. */
export interface ThimbleServer extends AsyncDisposable {
  /** For `inject`, and for routes of one's own before `listen`. */
  readonly app: FastifyInstance;
  readonly service: Service;
  /** Begins to listen, and gives the address. @throws ERR_SERVER_LISTEN, such as for a port that is taken */
  listen(): Promise<string>;
  /** Takes no new jobs, does those that it has, and ends. */
  drain(): Promise<void>;
  /** Cancels what is not done, and ends. */
  close(): Promise<void>;
}

/**
 * Makes a server for models: OpenAI's image API, AUTOMATIC1111's, jobs, and the page. It listens once `listen` is called.
 *
 * ```ts
 * const server = await createServer({ models: { sd: 'models/stable-diffusion-v1-5' } });
 * console.log(await server.listen());
 * ```
 *
 * @throws ERR_ARGUMENT_INVALID for an option that cannot be; ERR_SERVER_EXPOSED for a host that others reach, without a token
 */
export async function createServer(options: ServerOptions): Promise<ThimbleServer> {
  const settings = readServerOptions(options);
  const { host, port, token } = settings;
  if (token === undefined && !isLocal(host)) throw new ServerError('ERR_SERVER_EXPOSED', { host });
  const service = await Service.create(serviceOptionsOf(settings));
  const app = createApp(settings);
  try {
    await protect(app, settings);
    await app.register(thimbleServer, { service });
    app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
    await app.ready();
  } catch (error) {
    await service.close();
    throw error;
  }
  return {
    app,
    service,
    listen: async () =>
      app.listen({ host, port }).catch((error: unknown) => {
        throw new ServerError('ERR_SERVER_LISTEN', { host, port, reason: (error as Error).message }, { cause: error });
      }),
    drain: async () => {
      await service.drain();
      await app.close();
    },
    close: async () => {
      await service.close();
      await app.close();
    },
    [Symbol.asyncDispose]: async () => {
      await service.close();
      await app.close();
    },
  };
}

function createApp({ bodyLimit, logLevel }: ServerSettings): FastifyInstance {
  const app = Fastify({
    bodyLimit,
    keepAliveTimeout: KEEP_ALIVE,
    requestTimeout: 0,
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    // Of a request no more is noted than its method and its path: queries, headers and bodies hold prompts and tokens.
    logger: {
      level: logLevel,
      stream: process.stderr,
      serializers: {
        req: ({ method, url }: { readonly method: string; readonly url: string }) => ({ method, path: pathOf(url) }),
      },
    },
    ajv: { customOptions: { coerceTypes: false, useDefaults: false, removeAdditional: false, allowUnionTypes: true } },
  });
  app.setErrorHandler(sendError);
  return app;
}

async function protect(app: FastifyInstance, settings: ServerSettings): Promise<void> {
  const { rateLimit: max, allowedOrigins = [] } = settings;
  hostGuard(app, settings);
  await app.register(helmet, {
    contentSecurityPolicy: {
      directives: {
        imgSrc: ["'self'", 'data:', 'blob:'],
        styleSrc: ["'self'"],
        fontSrc: ["'self'"],
        upgradeInsecureRequests: null,
      },
    },
    strictTransportSecurity: false,
  });
  if (allowedOrigins.length > 0) await app.register(cors, { origin: [...allowedOrigins], credentials: true });
  if (max > 0)
    await app.register(rateLimit, {
      max,
      timeWindow: 60_000,
      errorResponseBuilder: (_request, { ttl }) =>
        new ServerError('ERR_RATE_LIMIT', { retryAfter: Math.ceil(ttl / 1000) }),
    });
  app.setNotFoundHandler(max > 0 ? { preHandler: app.rateLimit() } : {}, async ({ method }) => {
    throw new ServerError('ERR_ROUTE_UNKNOWN', { method });
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'thimble', description: 'Diffusion models in very little memory', version: VERSION },
    },
  });
}

/** Without its query, and without what a terminal would act on. */
function pathOf(url: string): string {
  return url
    .replace(/\?.*$/s, '')
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, 200);
}
