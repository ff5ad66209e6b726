import {
  type FieldValues,
  type OptionsOf,
  booleanField,
  choiceField,
  integerField,
  listField,
  optional,
  required,
  textField,
  objectField,
} from '@thimble/core/model';
import { readOptions } from '@thimble/core/plugin';
import type { QueueFactory } from './jobs/QueueFactory.js';
import type { ModelDefinition } from './models/ModelDefinition.js';
import type { ResultStorage } from './results/ResultStorage.js';

const isRecord = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
const isFunction = (value: unknown): boolean => typeof value === 'function';
const isRedisAddress = (value: unknown): boolean =>
  typeof value === 'string' && URL.canParse(value) && ['redis:', 'rediss:'].includes(new URL(value).protocol);
const isPlace = (text: string): boolean => text !== '' && (!/^(?:rediss?|s3):\/\//.test(text) || URL.canParse(text));
const isStore = (value: unknown): boolean =>
  (typeof value === 'string' && isPlace(value)) ||
  isFunction((value as { readonly getItemRaw?: unknown } | null)?.getItemRaw);

const redisField = {
  ...textField('', 'an address of Redis, such as redis://127.0.0.1:6379', 1),
  accepts: isRedisAddress,
};

/** The models of a server or a worker. */
const modelsField = objectField<Readonly<Record<string, ModelDefinition>>>(
  'Readonly<Record<string, ModelDefinition>>',
  'an object of names, each with a folder, a hub id, or a function that opens a model',
  isRecord,
);

/** A folder, an address (redis://HOST, s3://BUCKET?endpoint=https://HOST&region=NAME with the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY), or a storage of unstorage. */
const resultsField = objectField<string | ResultStorage>(
  'string | ResultStorage',
  'a folder, redis://… or s3://…, or a storage of unstorage',
  isStore,
);

/** What a server or a worker does with its models. */
const poolFields = {
  /** How many models stay open at once; another one closes the one that was not used for longest. */
  keep: integerField(1, 1),
  /** Milliseconds after which a model that nobody uses is closed. Default: ten minutes. */
  idle: integerField(600_000, 1, 2 ** 31 - 1),
};

/** The options of the services, wherever they are mounted. */
const serviceFields = {
  /** The models that requests may name. The first one is taken where none is named. With `redis` names alone count; by default those that workers have. */
  models: modelsField,
  /** Queue jobs in Redis or Valkey, by its address such as redis://127.0.0.1:6379, for workers to do; results lie there too, unless `results` says where. */
  redis: optional(redisField),
  ...poolFields,
  /** How many jobs may wait. Default 100. */
  maxQueue: integerField(100),
  /** Pictures of a request. Default 10. */
  maxImages: integerField(10, 1),
  /** Steps of a request. Default 150. */
  maxSteps: integerField(150, 1),
  /** Width × height × pictures of a request, and pixels of a picture that is sent. Default 2^24: sixteen of 1024×1024. */
  maxPixels: integerField(2 ** 24, 64),
  /** Where results lie. Default: a folder of its own, which goes with the server. */
  results: resultsField,
  /** Milliseconds for which jobs and their pictures are kept. Default: one hour. */
  retain: integerField(3_600_000, 1, 2 ** 31 - 1),
  /** A secret that requests have to bring: as Bearer, as the password of Basic, or by a cookie of `POST /login`. */
  token: optional(textField('', 'a text of at least 8 characters', 8)),
  /** Read pictures that requests name by their address: http(s) of public addresses alone. */
  allowUrls: booleanField(false),
  /** Bytes of a request. Default: 32 MiB. */
  bodyLimit: integerField(32 * 2 ** 20, 1),
  /** Another queue than that of this process. */
  queue: objectField<QueueFactory>('QueueFactory', 'a function that makes a queue', isFunction),
};

/** The options of a server of its own. */
const serverFields = {
  ...serviceFields,
  /** Where it listens. Elsewhere than on this machine alone it asks for a `token`. */
  host: textField('127.0.0.1', 'a name or an address', 1),
  /** 0: any that is free. */
  port: integerField(8080, 0, 65_535),
  /** Names by which requests may call the server, beside this machine's and `host`; with a token, any name goes if none is said. */
  allowedHosts: optional(listField(textField('', 'a name', 1), 'a list of names')),
  /** Origins of other pages that may use the server, such as https://example.org. */
  allowedOrigins: optional(listField(textField('', 'an origin', 1), 'a list of origins')),
  /** Requests of one client a minute; 0: any number. Default 600. */
  rateLimit: integerField(600),
  /** What is written to the standard error output, one JSON object a line. */
  logLevel: choiceField('warn', ['silent', 'error', 'warn', 'info', 'debug']),
};

/** The options of a worker. */
const workerFields = {
  /** Where jobs wait: the address of Redis or Valkey, as the server has it. */
  redis: required(redisField),
  /** The models whose jobs it does, by the names that requests use. */
  models: required(modelsField),
  ...poolFields,
  /** Where results lie, as the server has it. Default: in Redis. */
  results: resultsField,
};

/** Options of the Fastify plugin `thimbleServer`. */
export type ServiceOptions = OptionsOf<typeof serviceFields>;

/** The same, checked, with defaults. */
export type ServiceSettings = FieldValues<typeof serviceFields>;

/** Options of `createServer`. */
export type ServerOptions = OptionsOf<typeof serverFields>;

/** The same, checked, with defaults. */
export type ServerSettings = FieldValues<typeof serverFields>;

/** Checks options of a plugin. Fastify's own, such as `prefix`, are left out before. @throws ERR_ARGUMENT_INVALID */
export function readServiceOptions(options: ServiceOptions): ServiceSettings {
  const fields = options.redis === undefined ? { ...serviceFields, models: required(modelsField) } : serviceFields;
  return readOptions(options, fields, 'thimbleServer');
}

/** Checks options of a server. @throws ERR_ARGUMENT_INVALID */
export function readServerOptions(options: ServerOptions): ServerSettings {
  return readOptions(options, serverFields, 'createServer');
}

/** Options of `createWorker`. */
export type WorkerOptions = OptionsOf<typeof workerFields>;

/** Checks options of a worker. @throws ERR_ARGUMENT_INVALID */
export function readWorkerOptions(options: WorkerOptions): FieldValues<typeof workerFields> {
  return readOptions(options, workerFields, 'createWorker');
}

/** Those of a server's options that the services take. */
export function serviceOptionsOf(settings: ServerSettings): ServiceOptions {
  return Object.fromEntries(
    Object.keys(serviceFields).map((name) => [name, settings[name as keyof ServerSettings]]),
  ) as ServiceOptions;
}
