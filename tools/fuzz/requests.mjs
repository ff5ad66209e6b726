// Requests to a server of tiny models, near to valid ones, with something in them that should not be: each is answered, and none by an error of the server.
import { once } from 'node:events';
import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { createTestPipeline } from '@thimble/plugin-testkit';
import { createServer } from '@thimble/server';
import fc from 'fast-check';
import { oddJsonValues, oddTexts, rarely } from './oddValues.mjs';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
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
];
const MAKING = [
  '/v1/images/generations',
  '/v1/images/edits',
  '/jobs',
  '/sdapi/v1/txt2img',
  '/sdapi/v1/img2img',
  '/sdapi/v1/options',
];
const PATHS = [
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
const BOUNDARY = 'thimble-boundary';
/** What Node refuses before it is sent. */
const UNSENT = /ERR_INVALID_CHAR|ERR_UNESCAPED|Invalid character|unescaped/;

const values = fc.oneof(
  { weight: 3, arbitrary: oddJsonValues },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'tiny',
      'other/..',
      'euler',
      'Euler a',
      '64x64',
      'auto',
      8,
      64,
      0.5,
      [1],
      'http://127.0.0.1:1/',
      'file:///etc/passwd',
      'data:image/png;base64,',
      `data:image/png;base64,${PNG}`,
      PNG,
      PNG.slice(0, 50),
      { type: 'float32', dims: [1, 4, 8, 8], data: [] },
    ),
  },
);
const changes = fc.array(
  fc.tuple(
    fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...NAMES) }, { weight: 1, arbitrary: oddTexts }),
    fc.option(values, { nil: undefined, freq: 9 }),
  ),
  { maxLength: 3 },
);
const bodies = fc.record({
  changes,
  form: fc.oneof(
    { weight: 1, arbitrary: fc.constant('json') },
    { weight: 4, arbitrary: fc.constant('as the path asks') },
  ),
  cut: rarely(12, fc.nat()),
  instead: rarely(
    12,
    fc.constantFrom(
      '',
      'null',
      '[]',
      '"a"',
      '1',
      '{"__proto__":{}}',
      '{"constructor":{"prototype":{}}}',
      '[[[[',
      '\0',
      '{"prompt":"\\ud800"}',
      '{"prompt":"a","steps":1e999}',
      JSON.stringify({ prompt: 'a'.repeat(250_000) }),
    ),
  ),
});
const headers = rarely(
  4,
  fc.tuple(
    fc.constantFrom(
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
    ),
    fc.constantFrom(
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
    ),
  ),
);

export const count = 20_000;

export async function open(sandbox) {
  const server = await createServer({
    models: Object.fromEntries(
      ['tiny', 'other'].map((name) => [name, { open: async () => createTestPipeline({ device: 'fake' }) }]),
    ),
    keep: 2,
    port: 0,
    rateLimit: 0,
    maxSteps: 2,
    maxImages: 2,
    maxPixels: 128 * 128,
    maxQueue: 4,
    bodyLimit: 200_000,
    retain: 1000,
    results: await sandbox.makeFolder('results'),
    logLevel: 'silent',
  });
  const url = new URL(await server.listen());
  return {
    inputs: fc.record({
      path: fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...MAKING) },
        { weight: 1, arbitrary: fc.constantFrom(...PATHS, ...MAKING) },
      ),
      method: rarely(6, fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH')),
      headers,
      body: bodies,
    }),
    tryOne: async (input) => {
      const status = await ask(url, requestOf(input));
      if (typeof status === 'number' && (status < 500 || status === 501 || status === 503)) return `status ${status}`;
      if (UNSENT.test(String(status))) return 'not sent';
      throw new Error(`answered by ${status}`);
    },
    close: async () => server.close(),
  };
}

function requestOf({ path, method = MAKING.includes(path) ? 'POST' : 'GET', headers: header, body }) {
  const more = header === undefined ? {} : { [header[0]]: header[1] };
  if (method === 'GET' || method === 'HEAD') return { path, method, headers: more };
  const isForm = path.endsWith('edits') && body.form !== 'json';
  const content = body.instead ?? (isForm ? formOf(fieldsOf(body, path)) : JSON.stringify(fieldsOf(body, path)));
  const type = isForm ? `multipart/form-data; boundary=${BOUNDARY}` : 'application/json';
  const bytes = Buffer.from(content);
  return {
    path,
    method,
    headers: { 'content-type': type, ...more },
    body: body.cut === undefined ? bytes : bytes.subarray(0, body.cut % (bytes.length + 1)),
  };
}

/** A body that would do, with some fields that are odd. */
function fieldsOf({ changes: changed }, path) {
  const fields = { prompt: 'a cat', steps: 1, guidance_scale: 1 };
  if (path.endsWith('img2img')) fields.init_images = [PNG];
  for (const [name, value] of changed) {
    if (value === undefined) delete fields[name];
    else Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return fields;
}

function formOf(fields) {
  const parts = [];
  const part = (head, content) =>
    parts.push(
      Buffer.from(`--${BOUNDARY}\r\ncontent-disposition: form-data; ${head}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from('\r\n'),
    );
  part('name="image"; filename="../a.png"', Buffer.from(PNG, 'base64'));
  for (const [name, value] of Object.entries(fields)) {
    const isPicture = name === 'image' || name === 'mask';
    part(
      `name="${encodeURIComponent(name.toWellFormed?.() ?? 'x')}"${isPicture ? '; filename="a"' : ''}`,
      typeof value === 'string' ? value : JSON.stringify(value),
    );
  }
  return Buffer.concat([...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}

/** The status of the answer, all of which is read; else why there is none. */
async function ask({ hostname, port }, { path, method, headers: sent, body }) {
  try {
    const asked = request({ hostname, port, path, method, headers: sent, agent: false });
    const answered = once(asked, 'response');
    asked.on('error', () => undefined);
    asked.end(body);
    const [answer] = await answered;
    await text(answer);
    return answer.statusCode;
  } catch (error) {
    return `${error.code} ${error.message}`;
  }
}
