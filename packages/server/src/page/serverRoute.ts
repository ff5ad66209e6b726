import { VERSION } from '@thimble/core';
import type { FastifyInstance } from 'fastify';
import { SAMPLERS } from '../a1111/samplers.js';
import type { RouteContext } from '../http/RouteContext.js';

/** `GET /server`: what the page has to know before it asks for pictures. */
export function serverRoute(app: FastifyInstance, { service: { settings } }: RouteContext): void {
  const { token, maxImages, maxSteps, maxPixels } = settings;
  const described = {
    version: VERSION,
    /** Whether one can sign out. */
    guarded: token !== undefined,
    limits: { images: maxImages, steps: maxSteps, pixels: maxPixels },
    schedulers: SAMPLERS.map(({ name }) => name),
  };
  app.get(
    '/server',
    { schema: { summary: "The server's version, its limits, names of schedulers", tags: ['Status'] } },
    () => described,
  );
}
