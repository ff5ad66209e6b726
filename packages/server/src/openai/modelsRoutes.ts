import type { FastifyInstance } from 'fastify';
import type { RouteContext } from '../http/RouteContext.js';

/** `GET /v1/models`, and one of them with its options. */
export function modelsRoutes(app: FastifyInstance, { service: { models } }: RouteContext): void {
  const created = Math.floor(Date.now() / 1000);
  const described = (id: string): object => ({
    id,
    object: 'model',
    created,
    owned_by: 'thimble',
    open: models.opened.includes(id),
  });
  app.get('/v1/models', { schema: { summary: 'The models that there are', tags: ['OpenAI'] } }, () => ({
    object: 'list',
    data: models.names.map(described),
  }));
  // A name may hold slashes.
  app.get<{ Params: { '*': string } }>(
    '/v1/models/*',
    { schema: { summary: 'A model; once it was open, with the JSON schema of its options', tags: ['OpenAI'] } },
    ({ params: { '*': name } }) => {
      models.deviceOf(name);
      const { memoryLimit, ...facts } = models.facts(name) ?? {};
      return { ...described(name), ...facts, ...(memoryLimit === undefined ? {} : { memory_limit: memoryLimit }) };
    },
  );
}
