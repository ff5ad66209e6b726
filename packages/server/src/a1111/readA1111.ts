import { invalid } from '../http/readGeneration.js';
import type { Generation } from '../jobs/Generation.js';
import type { JsonValue } from '../jobs/Job.js';
import { invertedMask } from '../pictures/maskOfTransparency.js';
import type { PictureReader } from '../pictures/PictureReader.js';
import type { Img2ImgBody, Txt2ImgBody } from './a1111Schema.js';
import { schedulerOf } from './samplers.js';

/** AUTOMATIC1111's. */
const DEFAULT_STRENGTH = 0.75;
const DEFAULT_STEPS = 20;
const DEFAULT_SCALE = 7;

/** What a `txt2img` asks for. @throws ERR_REQUEST_INVALID for what thimble does not have */
export async function readTxt2Img(body: Txt2ImgBody, model: string): Promise<Generation> {
  if (body.enable_hr === true) throw invalid('enable_hr', 'there is no second pass: use img2img on the result');
  if (body.script_name !== undefined && body.script_name !== '') throw invalid('script_name', 'there are no scripts');
  const { override_settings: settings, batch_size: batch = 1, n_iter: batches = 1, seed } = body;
  const scheduler = schedulerOf(body.sampler_name ?? body.sampler_index, body.scheduler);
  const layers = settings?.CLIP_stop_at_last_layers ?? 1;
  const options: Readonly<Record<string, JsonValue | undefined>> = {
    numInferenceSteps: body.steps ?? DEFAULT_STEPS,
    guidanceScale: body.cfg_scale ?? DEFAULT_SCALE,
    numImagesPerPrompt: batch * batches,
    negativePrompt: body.negative_prompt === '' ? undefined : body.negative_prompt,
    width: body.width,
    height: body.height,
    eta: body.eta,
    seed: seed === undefined || seed < 0 ? undefined : seed,
    clipSkip: layers > 1 ? layers - 1 : undefined,
  };
  return {
    model: settings?.sd_model_checkpoint ?? model,
    prompt: body.prompt ?? '',
    options: given(options),
    pictures: {},
    ...(scheduler === undefined ? {} : { scheduler }),
    format: 'png',
    previews: 'live',
  };
}

/** What an `img2img` asks for. @throws ERR_REQUEST_INVALID; what reading pictures throws */
export async function readImg2Img(body: Img2ImgBody, model: string, pictures: PictureReader): Promise<Generation> {
  const generation = await readTxt2Img(body, model);
  const { init_images: images, mask, denoising_strength: strength = DEFAULT_STRENGTH } = body;
  if (strength === 0) throw invalid('denoising_strength', 'expected more than 0, to 1');
  const { bytes: image } = await pictures.read(images[0], 'init_images');
  if (mask === undefined) return { ...generation, options: { ...generation.options, strength }, pictures: { image } };
  const white = await pictures.read(mask, 'mask');
  const maskImage = Number(body.inpainting_mask_invert ?? 0) === 1 ? await invertedMask(white.image) : white.bytes;
  const crop = body.inpaint_full_res === true ? { paddingMaskCrop: body.inpaint_full_res_padding ?? 0 } : {};
  return { ...generation, options: { ...generation.options, strength, ...crop }, pictures: { image, maskImage } };
}

function given(options: Readonly<Record<string, JsonValue | undefined>>): Record<string, JsonValue> {
  return Object.fromEntries(
    Object.entries(options).filter((entry): entry is [string, JsonValue] => entry[1] !== undefined),
  );
}
