import { type DefinedErrors, defineErrors, ERROR_REFERENCE } from '@thimble/core/plugin';

const DEFINITIONS = {
  ERR_SERVER_EXPOSED: {
    summary: 'The server was to listen where others reach it, without a token.',
    message: (d: { host: string }): string =>
      `"${d.host}" is reached from elsewhere: set a token (--token), or listen on 127.0.0.1.`,
  },
  ERR_SERVER_LISTEN: {
    summary: 'The server cannot listen where it should.',
    message: (d: { host: string; port: number; reason: string }): string =>
      `Cannot listen on ${d.host}, port ${d.port}: ${d.reason}. Choose another port (--port), or 0 for any that is free.`,
  },
  ERR_MODEL_UNKNOWN: {
    summary: 'A request names a model that the server does not have.',
    message: (d: { model: string; models: readonly string[] }): string =>
      `There is no model ${JSON.stringify(d.model)}; there are: ${d.models.join(', ')}.`,
  },
  ERR_JOB_UNKNOWN: {
    summary: 'There is no job of that id, or it has expired.',
    message: (_: Record<never, never>): string => 'There is no such job, or it has expired.',
  },
  ERR_RESULT_UNKNOWN: {
    summary: 'There is no picture of that name, or it has expired.',
    message: (_: Record<never, never>): string => 'There is no such picture, or it has expired.',
  },
  ERR_ROUTE_UNKNOWN: {
    summary: 'The server has no such address.',
    message: (d: { method: string }): string =>
      `There is nothing at this address for ${d.method}; /openapi.json lists what there is.`,
  },
  ERR_JOB_CANCELLED: {
    summary: 'A job was cancelled, by its client or because its client went away.',
    message: (_: Record<never, never>): string => 'The job was cancelled.',
  },
  ERR_JOB_LOST: {
    summary: 'A job was given up, because too many workers were lost while they did it.',
    message: (d: { times: number; reason: string }): string =>
      `The job was given up: ${d.times} times its worker ended or fell silent while it did it${d.reason === '' ? '' : `, the last time so: ${d.reason}`}.`,
  },
  ERR_NO_WORKERS: {
    summary: 'No worker has said which models it has.',
    message: (_: Record<never, never>): string =>
      'There is no worker yet, so that no model is known: start one (thimble worker), or name models for the server (--model).',
  },
  ERR_REDIS_UNAVAILABLE: {
    summary: 'Redis, in which the jobs of many machines wait, cannot be reached or does not do what it is asked.',
    message: (d: { address: string; reason: string }): string => `Redis at ${d.address} is of no use now: ${d.reason}.`,
  },
  ERR_REDIS_EVICTS: {
    summary: 'Redis may drop keys where memory runs out, and jobs with them.',
    message: (d: { address: string; policy: string }): string =>
      `Redis at ${d.address} drops keys where memory runs out (maxmemory-policy ${d.policy}), and would lose jobs: set maxmemory-policy noeviction.`,
  },
  ERR_SERVER_PEER_MISSING: {
    summary: 'What an option asks for needs packages that are not installed.',
    message: (d: { what: string; packages: readonly string[] }): string =>
      `${d.what} needs packages that are not installed: npm install ${d.packages.join(' ')}`,
  },
  ERR_JOB_QUEUE_FULL: {
    summary: 'As many jobs wait as the server allows.',
    message: (d: { queued: number; maxQueue: number; retryAfter: number }): string =>
      `${d.queued} jobs wait, and the server allows ${d.maxQueue}: try again in ${d.retryAfter} s.`,
  },
  ERR_RATE_LIMIT: {
    summary: 'A client sends more requests a minute than the server allows.',
    message: (d: { retryAfter: number }): string => `Too many requests: try again in ${d.retryAfter} s.`,
  },
  ERR_IDEMPOTENCY_CONFLICT: {
    summary: 'An idempotency key was used before, for another request.',
    message: (_: Record<never, never>): string => 'This Idempotency-Key belongs to another request: send a new one.',
  },
  ERR_SERVER_CLOSING: {
    summary: 'The server ends: it finishes what it has, and takes no new jobs.',
    message: (_: Record<never, never>): string => 'The server is about to end and takes no new jobs.',
  },
  ERR_TOKEN_REFUSED: {
    summary: 'A request has no token, or a wrong one.',
    message: (_: Record<never, never>): string =>
      'A token is needed: as Bearer, as the password of Basic, or by POST /login.',
  },
  ERR_ORIGIN_REFUSED: {
    summary: "A request is for another host's name, or from another page.",
    message: (d: { header: string }): string =>
      `The request's ${d.header} is not this server's. Those that should be taken are named by allowedHosts and allowedOrigins (--allow-host, --allow-origin).`,
  },
  ERR_REQUEST_INVALID: {
    summary: 'A request is not what the server takes.',
    message: (d: { param: string | undefined; problem: string }): string =>
      `${d.param === undefined ? '' : `"${d.param}": `}${d.problem}.`,
  },
  ERR_REQUEST_LIMIT: {
    summary: 'A request asks for more than the server allows.',
    message: (d: { param: string; value: number | string; largest: number | string }): string =>
      `"${d.param}" is ${d.value}; this server allows ${d.largest}.`,
  },
  ERR_URL_REFUSED: {
    summary: 'A picture was named by an address that the server does not read.',
    message: (d: { reason: string }): string => `The picture's address is not read: ${d.reason}.`,
  },
  ERR_SERVER_FAULT: {
    summary: 'Something failed that has no code; the server notes what.',
    message: (_: Record<never, never>): string => 'Something went wrong; the server has noted what.',
  },
  ERR_MODEL_MAKES_VIDEOS: {
    summary: 'The server makes pictures, and the model makes videos.',
    message: (d: { model: string }): string => `"${d.model}" makes videos; this server makes pictures.`,
  },
} as const;

/** What the server reports by code, beside core's. */
export const ServerError: DefinedErrors<typeof DEFINITIONS> = defineErrors('@thimble/server', DEFINITIONS, {
  docs: ERROR_REFERENCE,
});
