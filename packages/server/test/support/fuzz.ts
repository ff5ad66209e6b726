import { ask, type Answered, type Asked } from './ask.js';

/** What a fuzz run saw. */
export interface FuzzResult {
  readonly statuses: ReadonlyMap<number, number>;
  /** Requests that were not answered, or by an error of the server. */
  readonly failures: readonly { readonly asked: Asked; readonly answer: string }[];
}

type Random = () => number;

/** Sends requests, four at a time, that are made of `seed`: near to valid ones, with something in them that should not be. */
export async function fuzz(url: string, count: number, seed: number): Promise<FuzzResult> {
  const random = randomOf(seed);
  const statuses = new Map<number, number>();
  const failures: { asked: Asked; answer: string }[] = [];
  let left = count;
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const asked = makeRequest(random);
      const answer = await ask(url, asked).catch((error: unknown) => String(error));
      const status = typeof answer === 'string' ? 0 : answer.status;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (isFailure(answer))
        failures.push({
          asked: { ...asked, body: String(asked.body) },
          answer: typeof answer === 'string' ? answer : `${answer.status} ${answer.body}`,
        });
    }
  };
  await Promise.all([work(), work(), work(), work()]);
  return { statuses, failures };
}

/** Node refuses some headers and paths before they are sent. */
function isFailure(answer: Answered | string): boolean {
  if (typeof answer === 'string') return !/ERR_INVALID_CHAR|ERR_UNESCAPED|Invalid character|unescaped/.test(answer);
  return answer.status >= 500;
}

/** Mulberry32. */
function randomOf(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pick = <T>(random: Random, values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const ODD: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  1.5,
  2 ** 53,
  -(2 ** 63),
  1e308,
  '',
  ' ',
  'auto',
  '64x64',
  '0x0',
  '1x99999999',
  'a'.repeat(3000),
  '../../etc/passwd',
  '\u0000',
  '\u001b[31m',
  '\u202e',
  '😀',
  'http://127.0.0.1/',
  'file:///etc/passwd',
  'data:image/png;base64,',
  `data:image/png;base64,${PNG}`,
  PNG,
  PNG.slice(0, 50),
  [],
  [1],
  [[1]],
  ['a'],
  {},
  { a: 1 },
  { type: 'float32', dims: [1, 4, 8, 8], data: [] },
  { toString: 1 },
  'tiny',
  'slow/..',
  'euler',
  'Euler a',
  '__proto__',
  'constructor',
  -0.5,
  0.5,
  64,
  8,
];
const NAMES = [
  'prompt',
  'model',
  'n',
  'size',
  'steps',
  'seed',
  'negative_prompt',
  'guidance_scale',
  'width',
  'height',
  'image',
  'mask',
  'mask_image',
  'strength',
  'timesteps',
  'sigmas',
  'eta',
  'clip_skip',
  'scheduler',
  'output_format',
  'output_compression',
  'response_format',
  'stream',
  'partial_images',
  'previews',
  'latents',
  'generator',
  'signal',
  'output_type',
  'prompt_embeds',
  'toString',
  'hasOwnProperty',
  'controlImage',
  'init_images',
  'denoising_strength',
  'batch_size',
  'n_iter',
  'sampler_name',
  'override_settings',
  'cfg_scale',
  'sd_model_checkpoint',
  'inpaint_full_res',
  'padding_mask_crop',
  'denoising_end',
  'prompt_2',
  'a b',
  '',
];
const PATHS = [
  '/v1/images/generations',
  '/v1/images/edits',
  '/jobs',
  '/sdapi/v1/txt2img',
  '/sdapi/v1/img2img',
  '/sdapi/v1/options',
  '/sdapi/v1/interrupt',
  '/sdapi/v1/progress',
  '/v1/models',
  '/v1/models/tiny',
  '/v1/models/%2e%2e',
  '/health',
  '/metrics',
  '/openapi.json',
  '/jobs/x',
  '/jobs/00000000-0000-0000-0000-000000000000',
  '/jobs/00000000-0000-0000-0000-000000000000/events?after=9',
  '/results/..%2f..%2fx',
  '/results/%00',
  '/%ff',
  '//',
  '/login',
  '/',
];

function makeRequest(random: Random): Asked {
  const path = random() < 0.75 ? pick(random, PATHS.slice(0, 6)) : pick(random, PATHS);
  const method =
    random() < 0.85
      ? PATHS.indexOf(path) < 7
        ? 'POST'
        : 'GET'
      : pick(random, ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH']);
  if (method === 'GET' || method === 'HEAD') return { path, method, headers: headersOf(random) };
  if (path.endsWith('edits') && random() < 0.9) return { path, method, ...form(random) };
  return {
    path,
    method,
    headers: { 'content-type': 'application/json', ...headersOf(random) },
    body: json(random, path),
  };
}

function headersOf(random: Random): Record<string, string> {
  if (random() < 0.8) return {};
  const name = pick(random, [
    'host',
    'origin',
    'content-type',
    'authorization',
    'cookie',
    'idempotency-key',
    'last-event-id',
    'accept',
    'expect',
    'range',
    'accept-encoding',
  ]);
  return {
    [name]: pick(random, [
      '',
      'x',
      'null',
      'localhost',
      'multipart/form-data',
      'application/json; charset=utf-7',
      'text/plain',
      'Basic ////',
      '100-continue',
      'bytes=0-',
      'thimble_access=%00',
      'a'.repeat(300),
    ]),
  };
}

/** A body that would do, with some fields that are odd. */
function body(random: Random, path: string): Record<string, unknown> {
  const valid: Record<string, unknown> = { prompt: 'a cat', steps: 1, guidance_scale: 1 };
  if (path.endsWith('img2img')) valid['init_images'] = [PNG];
  for (let changes = Math.floor(random() * 4); changes > 0; changes--) {
    const name = pick(random, NAMES);
    if (random() < 0.1) delete valid[name];
    else valid[name] = pick(random, ODD);
  }
  return valid;
}

function json(random: Random, path: string): string {
  const text = JSON.stringify(body(random, path));
  const kind = random();
  if (kind < 0.85) return text;
  if (kind < 0.9) return text.slice(0, Math.floor(random() * text.length));
  if (kind < 0.95)
    return pick(random, [
      '',
      'null',
      '[]',
      '"a"',
      '1',
      '{"__proto__":{}}',
      '{"constructor":{"prototype":{}}}',
      '[[[[',
      '\u0000',
      '{"prompt":"\\ud800"}',
      '{"prompt":"a","steps":1e999}',
    ]);
  return JSON.stringify({ prompt: 'a'.repeat(250_000) });
}

function form(random: Random): Pick<Asked, 'headers' | 'body'> {
  const boundary = 'thimble-boundary';
  const parts: Buffer[] = [];
  const part = (head: string, content: string | Uint8Array): void =>
    void parts.push(
      Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; ${head}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from('\r\n'),
    );
  const png = Buffer.from(PNG, 'base64');
  for (let i = 0; i < png.length; i++) if (random() < 0.002) png[i] = Math.floor(random() * 256);
  for (const name of ['image', 'mask', 'image[]', 'controlImage'])
    if (random() < 0.5) part(`name="${name}"; filename="../a.png"`, random() < 0.9 ? png : png.subarray(0, 30));
  for (const [name, value] of Object.entries(body(random, '')))
    part(`name="${encodeURI(name)}"`, typeof value === 'string' ? value : JSON.stringify(value));
  const end = random() < 0.9 ? `--${boundary}--\r\n` : '';
  return {
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      ...(random() < 0.1 ? headersOf(random) : {}),
    },
    body: Buffer.concat([...parts, Buffer.from(end)]),
  };
}
