// Requests to a server, near to valid ones, with something in them that should not be: for the fuzzer and for the server's tests.
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
  'toString',
  'hasOwnProperty',
  'a b',
  '',
];
const MAKING = [
  '/v1/images/generations',
  '/v1/images/edits',
  '/jobs',
  '/sdapi/v1/txt2img',
  '/sdapi/v1/img2img',
  '/sdapi/v1/options',
];
const INTERRUPT = '/sdapi/v1/interrupt';
const PATHS = [
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
      '0x0',
      '1x99999999',
      'auto',
      8,
      64,
      0.5,
      [1],
      'http://127.0.0.1/',
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
  pictures: fc.record({
    names: fc.subarray(['image', 'mask', 'image[]', 'controlImage']),
    cut: rarely(10, fc.nat()),
    spoiled: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 1 }),
  }),
  endless: rarely(10, fc.constant(true)),
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

/** Requests near to valid ones, with something in them that should not be, as {@link requestOf} takes them. */
export const requestInputs = fc.record({
  path: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...MAKING) },
    { weight: 1, arbitrary: fc.constantFrom(...PATHS, INTERRUPT, ...MAKING) },
  ),
  method: rarely(6, fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH')),
  headers,
  body: bodies,
});

/** So many of them, which follow from a seed. */
export function sampleRequests(count, seed) {
  return fc.sample(requestInputs, { numRuns: count, seed }).map(requestOf);
}

/** Whether Node refuses a request before it is sent, by the error. */
export function isUnsent(error) {
  return UNSENT.test(String(error));
}

/** A request as it is sent. */
export function requestOf({
  path,
  method = MAKING.includes(path) || path === INTERRUPT ? 'POST' : 'GET',
  headers: header,
  body,
}) {
  const more = header === undefined ? {} : { [header[0]]: header[1] };
  if (method === 'GET' || method === 'HEAD') return { path, method, headers: more };
  const isForm = path.endsWith('edits') && body.form !== 'json';
  const content = body.instead ?? (isForm ? formOf(fieldsOf(body, path), body) : JSON.stringify(fieldsOf(body, path)));
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

function formOf(fields, { pictures, endless }) {
  const parts = [];
  const part = (head, content) =>
    parts.push(
      Buffer.from(`--${BOUNDARY}\r\ncontent-disposition: form-data; ${head}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from('\r\n'),
    );
  const picture = Buffer.from(PNG, 'base64');
  for (const [at, byte] of pictures.spoiled) picture[at % picture.length] = byte;
  for (const name of pictures.names)
    part(`name="${name}"; filename="../a.png"`, pictures.cut === undefined ? picture : picture.subarray(0, 30));
  for (const [name, value] of Object.entries(fields)) {
    const isPicture = name === 'image' || name === 'mask';
    part(
      `name="${encodeURIComponent(name.toWellFormed?.() ?? 'x')}"${isPicture ? '; filename="a"' : ''}`,
      typeof value === 'string' ? value : JSON.stringify(value),
    );
  }
  return Buffer.concat(endless === true ? parts : [...parts, Buffer.from(`--${BOUNDARY}--\r\n`)]);
}
