import type { FastifyRequest } from 'fastify';

/** A hook: fields of a JSON body that are null were not given, as clients mean them. */
export async function withoutNulls(request: FastifyRequest): Promise<void> {
  const { body } = request;
  if (typeof body !== 'object' || body === null || Array.isArray(body) || body instanceof Uint8Array) return;
  const given = Object.entries(body).filter(([, value]) => value !== null);
  request.body = Object.fromEntries(given);
}
