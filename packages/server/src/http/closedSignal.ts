import type { FastifyReply } from 'fastify';
import { ServerError } from '../ServerError.js';

/** Aborted when the client goes away before it has its whole answer. */
export function closedSignal(reply: FastifyReply): AbortSignal {
  const closed = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) closed.abort(new ServerError('ERR_JOB_CANCELLED', {}));
  });
  return closed.signal;
}
