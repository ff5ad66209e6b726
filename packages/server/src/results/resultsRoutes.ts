import type { FastifyInstance } from 'fastify';
import type { RouteContext } from '../http/RouteContext.js';
import { ServerError } from '../ServerError.js';
import { formatOfKey } from './PictureFormat.js';
import { RESULT_KEY } from './ResultStore.js';

const KEY = { type: 'object', properties: { key: { type: 'string', pattern: RESULT_KEY } } };

/** `GET /results/KEY`: the pictures of jobs. */
export function resultsRoutes(app: FastifyInstance, { service: { store } }: RouteContext): void {
  app.get<{ Params: { readonly key: string } }>(
    '/results/:key',
    { config: { open: 'signed' }, schema: { summary: 'A picture', tags: ['Jobs'], params: KEY } },
    async ({ params: { key } }, reply) => {
      const bytes = await store.get(key);
      if (bytes === undefined) throw new ServerError('ERR_RESULT_UNKNOWN', {});
      return reply
        .type(`image/${formatOfKey(key)}`)
        .header('cache-control', 'private, immutable, max-age=3600')
        .send(bytes);
    },
  );
}
