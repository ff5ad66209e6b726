import { isThimbleError } from '@thimble/core';
import { ServerError } from '../ServerError.js';
import type { JobFailure } from './Job.js';

/** Why a job failed, as its client may know it: what has a code says it itself; of others only that something went wrong. */
export function jobFailure(error: unknown): JobFailure {
  if (!isThimbleError(error)) return jobFailure(new ServerError('ERR_SERVER_FAULT', {}));
  const { argument, param = argument } = error.details as { readonly argument?: unknown; readonly param?: unknown };
  const { code, message } = error;
  return { code, message, ...(typeof param === 'string' && param !== 'options' ? { param } : {}) };
}
