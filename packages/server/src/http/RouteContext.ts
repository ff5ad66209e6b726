import type { FastifyRequest } from 'fastify';
import type { PictureReader } from '../pictures/PictureReader.js';
import type { Service } from '../Service.js';

/** What routes are made with. */
export interface RouteContext {
  readonly service: Service;
  readonly pictures: PictureReader;
  /** The address of a stored picture, good without a token. */
  readonly resultUrl: (request: FastifyRequest, key: string) => string;
}
