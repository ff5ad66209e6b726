import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ServerError } from '../ServerError.js';
import { type Access, COOKIE } from './Access.js';

/** Whether a route is for everybody: it says so itself. */
declare module 'fastify' {
  interface FastifyContextConfig {
    /** True: without a token. `signed`: with a signature in its address. */
    open?: true | 'signed';
  }
}

const LOGIN = {
  type: 'object',
  properties: { token: { type: 'string', minLength: 1, maxLength: 1000 } },
  required: ['token'],
};
/** Seconds: thirty days. */
const COOKIE_AGE = 30 * 86_400;

/** Asks every request for the token, and gives pages a cookie for it by `POST /login`. */
export function accessGuard(app: FastifyInstance, access: Access): void {
  if (!access.guarded) return;
  app.addHook('onRequest', async (request) => {
    if (!isOpen(request, access) && !access.admits(request)) throw new ServerError('ERR_TOKEN_REFUSED', {});
  });
  app.post<{ Body: { readonly token: string } }>(
    '/login',
    { config: { open: true }, schema: { summary: 'Gives a page the cookie', tags: ['Status'], body: LOGIN } },
    async ({ body, protocol }, reply) => {
      if (!access.isToken(body.token)) throw new ServerError('ERR_TOKEN_REFUSED', {});
      const secure = protocol === 'https';
      return reply
        .setCookie(COOKIE, access.cookie(), {
          path: '/',
          httpOnly: true,
          sameSite: 'strict',
          secure,
          maxAge: COOKIE_AGE,
        })
        .send({ status: 'ok' });
    },
  );
  app.post(
    '/logout',
    { config: { open: true }, schema: { summary: 'Takes the cookie back', tags: ['Status'] } },
    async (_request, reply) => reply.clearCookie(COOKIE, { path: '/' }).send({ status: 'ok' }),
  );
}

function isOpen(request: FastifyRequest, access: Access): boolean {
  const { open } = request.routeOptions.config;
  if (open !== 'signed') return open === true;
  const { key } = request.params as { readonly key?: string };
  const { signature } = request.query as { readonly signature?: unknown };
  return typeof signature === 'string' && access.isSignature(key ?? '', signature);
}
