import { isThimbleError } from '@thimble/core';
import { ServerError } from '../ServerError.js';
import type { JobFailure } from './Job.js';

/** Errors that are of one option, and do not say of which. */
const PARAMS: Readonly<Record<string, string>> = {
  ERR_SCHEDULER_UNKNOWN: 'scheduler',
  ERR_SCHEDULER_OPTION: 'scheduler',
};

/** Why a job failed, as its client may know it: what has a code says it itself; of others only that something went wrong. */
export function jobFailure(error: unknown): JobFailure {
  if (!isThimbleError(error)) return jobFailure(new ServerError('ERR_SERVER_FAULT', {}));
  const { code, message } = error;
  const details = error.details as { readonly argument?: unknown; readonly param?: unknown };
  const { argument = PARAMS[code], param = argument } = details;
  return { code, message, ...(typeof param === 'string' && param !== 'options' ? { param } : {}) };
}
