import type { FastifyInstance } from 'fastify';
import type { RouteContext } from './RouteContext.js';

/** `/health`, `/ready` and `/metrics`, for those who watch. */
export function statusRoutes(app: FastifyInstance, { service }: RouteContext): void {
  app.get(
    '/health',
    { config: { open: true }, schema: { summary: 'Whether the server lives', tags: ['Status'] } },
    async () => {
      const { queued, running } = await service.queue.load();
      return { status: 'ok', queued, running };
    },
  );
  app.get(
    '/ready',
    { config: { open: true }, schema: { summary: 'Whether the server takes jobs', tags: ['Status'] } },
    (_request, reply) =>
      reply.code(service.draining ? 503 : 200).send({ status: service.draining ? 'draining' : 'ready' }),
  );
  app.get('/metrics', { schema: { summary: 'For Prometheus', tags: ['Status'] } }, async (_request, reply) =>
    reply.type(service.metrics.contentType).send(await service.metrics.text()),
  );
}
