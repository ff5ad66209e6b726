/** What of AUTOMATIC1111's requests is looked at; its clients send much more, such as what their users did not touch. */
export interface Txt2ImgBody {
  readonly prompt?: string;
  readonly negative_prompt?: string;
  readonly seed?: number;
  readonly steps?: number;
  readonly cfg_scale?: number;
  readonly width?: number;
  readonly height?: number;
  readonly batch_size?: number;
  readonly n_iter?: number;
  readonly sampler_name?: string;
  readonly sampler_index?: string;
  readonly scheduler?: string;
  readonly eta?: number;
  readonly enable_hr?: boolean;
  readonly script_name?: string;
  readonly send_images?: boolean;
  readonly override_settings?: {
    readonly sd_model_checkpoint?: string;
    readonly CLIP_stop_at_last_layers?: number;
  };
}

/** The same with a picture to begin with. */
export interface Img2ImgBody extends Txt2ImgBody {
  readonly init_images: readonly string[];
  readonly mask?: string;
  readonly denoising_strength?: number;
  readonly inpainting_mask_invert?: number | boolean;
  readonly inpaint_full_res?: boolean;
  readonly inpaint_full_res_padding?: number;
}

const text = { type: 'string', maxLength: 32_000 };
const name = { type: 'string', maxLength: 300 };
const whole = { type: 'integer', minimum: 1, maximum: 2 ** 31 - 1 };

const TXT2IMG = {
  prompt: text,
  negative_prompt: text,
  seed: { type: 'integer', description: '-1: random' },
  steps: whole,
  cfg_scale: { type: 'number' },
  width: whole,
  height: whole,
  batch_size: whole,
  n_iter: whole,
  sampler_name: name,
  sampler_index: name,
  scheduler: name,
  eta: { type: 'number' },
  enable_hr: { type: 'boolean' },
  script_name: name,
  send_images: { type: 'boolean' },
  override_settings: {
    type: 'object',
    properties: {
      sd_model_checkpoint: { type: ['string', 'null'], maxLength: 300 },
      CLIP_stop_at_last_layers: { type: 'integer', minimum: 1, maximum: 12 },
    },
  },
};

/** The body of `txt2img`. */
export const txt2imgBody = { type: 'object', properties: TXT2IMG };

/** The body of `img2img`. */
export const img2imgBody = {
  type: 'object',
  properties: {
    ...TXT2IMG,
    init_images: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      minItems: 1,
      maxItems: 1,
      description: 'one picture, as base64',
    },
    mask: { type: 'string', minLength: 1, description: 'white is made anew' },
    denoising_strength: { type: 'number', minimum: 0, maximum: 1 },
    inpainting_mask_invert: { anyOf: [{ type: 'integer', minimum: 0, maximum: 1 }, { type: 'boolean' }] },
    inpaint_full_res: { type: 'boolean' },
    inpaint_full_res_padding: { type: 'integer', minimum: 0, maximum: 1024 },
  },
  required: ['init_images'],
};
