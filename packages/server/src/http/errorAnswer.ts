import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { isThimbleError } from '@thimble/core';
import type { JobFailure } from '../jobs/Job.js';
import { ServerError } from '../ServerError.js';
import { jobFailure } from '../jobs/jobFailure.js';

/** What requests do wrong has a status of its own; what fails by itself is 500. */
const STATUS: Readonly<Record<string, number>> = {
  ERR_ARGUMENT_INVALID: 400,
  ERR_SCHEDULER_UNKNOWN: 400,
  ERR_SCHEDULER_OPTION: 400,
  ERR_CONFIG_INVALID: 400,
  ERR_IMAGE_DECODE: 400,
  // Options may do it, such as a scale of guidance beyond all measure.
  ERR_LATENTS_NAN: 422,
  ERR_IMAGE_SIZE: 413,
  ERR_REQUEST_TOO_LARGE: 413,
  ERR_MEMORY_LIMIT: 413,
  ERR_OUT_OF_MEMORY: 503,
  ERR_DEVICE_CRASHED: 503,
  ERR_DISPOSED: 503,
  ERR_QUEUE_FULL: 429,
  ERR_REQUEST_INVALID: 400,
  ERR_REQUEST_LIMIT: 413,
  ERR_URL_REFUSED: 400,
  ERR_MODEL_MAKES_VIDEOS: 400,
  ERR_MODEL_UNKNOWN: 404,
  ERR_JOB_UNKNOWN: 404,
  ERR_RESULT_UNKNOWN: 404,
  ERR_ROUTE_UNKNOWN: 404,
  ERR_JOB_CANCELLED: 409,
  ERR_IDEMPOTENCY_CONFLICT: 409,
  ERR_JOB_QUEUE_FULL: 429,
  ERR_RATE_LIMIT: 429,
  ERR_SERVER_CLOSING: 503,
  ERR_NO_WORKERS: 503,
  ERR_REDIS_UNAVAILABLE: 503,
  ERR_TOKEN_REFUSED: 401,
  ERR_ORIGIN_REFUSED: 403,
};

/** An error as OpenAI's API tells it. */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

/** An answer to a request that fails. */
export interface ErrorAnswer {
  readonly status: number;
  readonly body: ErrorBody;
  /** Seconds. */
  readonly retryAfter?: number;
}

/** A job whose client waits has failed. */
export class JobFailedError extends Error {
  readonly failure: JobFailure;

  constructor(failure: JobFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** A failure as it is answered. */
export function answerTo({ code, message, param }: JobFailure, status = STATUS[code] ?? 500): ErrorAnswer {
  return { status, body: { error: { message, type: typeOf(status), param: param ?? null, code } } };
}

/** What a route throws, as it is answered: Fastify's own errors have a status, those with a code have theirs. */
export function answerToError(error: unknown): ErrorAnswer {
  if (error instanceof JobFailedError) return answerTo(error.failure);
  if (isThimbleError(error)) {
    const { retryAfter } = error.details as { readonly retryAfter?: number };
    return { ...answerTo(jobFailure(error)), ...(retryAfter === undefined ? {} : { retryAfter }) };
  }
  const { statusCode = 500, code = 'ERR_REQUEST_INVALID', message, validation } = error as Partial<FastifyError>;
  if (statusCode >= 500) return answerTo(jobFailure(error));
  const param = validation?.[0] === undefined ? undefined : paramOf(validation[0]);
  return answerTo(
    { code, message: clean(message ?? 'It cannot be read.'), ...(param === undefined ? {} : { param }) },
    statusCode,
  );
}

/** Fastify's error handler. What is our fault is noted. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, body, retryAfter } = answerToError(error);
  if (status >= 500 && !ServerError.is(error)) request.log.error({ err: error }, 'a request failed');
  if (retryAfter !== undefined) void reply.header('retry-after', retryAfter);
  if (status === 401) void reply.header('www-authenticate', 'Bearer realm="thimble"');
  return reply.code(status).send(body);
}

function paramOf({ instancePath, params }: NonNullable<FastifyError['validation']>[number]): string | undefined {
  const { missingProperty } = params as { readonly missingProperty?: unknown };
  if (typeof missingProperty === 'string') return missingProperty;
  const [, name] = instancePath.split('/');
  return name === undefined || name === '' ? undefined : name;
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** Without what a terminal would act on, and not too long. */
function clean(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ').slice(0, 500);
}
