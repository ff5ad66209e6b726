import { PICTURE_FORMATS } from '../results/PictureFormat.js';
import { optionProperties } from './optionNames.js';

/** What stands beside the options of a run in every request for pictures. */
const CONTROLS = {
  prompt: { type: 'string', minLength: 1, maxLength: 32_000, description: 'what the picture shows' },
  model: { type: 'string', minLength: 1, maxLength: 300, description: 'one of /v1/models; the first one by default' },
  size: {
    type: 'string',
    pattern: '^(auto|[1-9]\\d{0,5}x[1-9]\\d{0,5})$',
    description: "WIDTHxHEIGHT, or the model's own (auto)",
  },
  output_format: { enum: PICTURE_FORMATS, description: 'png, with prompt and settings inside, by default' },
  output_compression: {
    type: 'integer',
    minimum: 0,
    maximum: 100,
    description: 'quality of jpeg and webp; default 90',
  },
  scheduler: {
    type: 'string',
    minLength: 1,
    maxLength: 100,
    description: "such as euler_a or dpm++_2m_karras; the model's own by default",
  },
};

/** A picture in JSON. */
const PICTURE = {
  type: 'string',
  minLength: 1,
  description: 'base64, a data: URL, or an address where the server reads them',
};

/** Fields of OpenAI's requests that name nothing a diffusion model has. */
const WITHOUT_EFFECT = Object.fromEntries(
  ['user', 'quality', 'background', 'moderation', 'style', 'input_fidelity'].map((name) => [name, { type: 'string' }]),
);

/** The body of `POST /jobs`. Options that plugins add are let through, for the model knows them. */
export const jobBody = {
  type: 'object',
  properties: {
    ...optionProperties(),
    ...CONTROLS,
    image: PICTURE,
    mask: PICTURE,
    previews: { type: 'boolean', description: 'small pictures on the way, two a second at most' },
  },
  required: ['prompt'],
};

/** The body of OpenAI's image requests. */
export const imagesBody = {
  type: 'object',
  properties: {
    ...optionProperties(),
    ...CONTROLS,
    ...WITHOUT_EFFECT,
    n: { type: 'integer', minimum: 1 },
    response_format: { enum: ['b64_json', 'url'] },
    stream: { type: 'boolean' },
    partial_images: { type: 'integer', minimum: 0, maximum: 3 },
  },
  required: ['prompt'],
};

/** Names of a request that are no options of a run. */
export const CONTROL_NAMES: ReadonlySet<string> = new Set([
  ...Object.keys(CONTROLS),
  ...Object.keys(WITHOUT_EFFECT),
  'previews',
  'response_format',
  'stream',
  'partial_images',
]);
