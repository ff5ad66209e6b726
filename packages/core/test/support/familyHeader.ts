import { modelRegistry } from '../../src/models/modelRegistry.js';
import type { ModelFamily } from '../../src/weights/families/ModelFamily.js';
import { flux } from '../../src/weights/keymaps/flux.js';
import { flux2 } from '../../src/weights/keymaps/flux2.js';
import { type KeyMap, unchanged } from '../../src/weights/keymaps/KeyMap.js';
import { ldmUnet } from '../../src/weights/keymaps/ldmUnet.js';
import { ldmVae } from '../../src/weights/keymaps/ldmVae.js';
import { openClip } from '../../src/weights/keymaps/openClip.js';
import { sd3 } from '../../src/weights/keymaps/sd3.js';
import { zImage } from '../../src/weights/keymaps/zImage.js';
import type { TensorView } from '../../src/weights/TensorView.js';
import { originalShapes } from './originalKeys.js';

/** Names and shapes of tensors, by which a checkpoint is told. */
export type Header = Map<string, readonly number[]>;

/** Of a family's part, by diffusers' keys; `more` is put over its config. */
export function partHeader(family: ModelFamily, name: string, more: object = {}): Header {
  const { className, config } = family.parts[name]!;
  const model = modelRegistry[className]!.fromConfig({ ...config, ...more }, className);
  return new Map(model.parameters.map(({ key, shape }) => [key, shape]));
}

/** Of a part, by the keys of a whole checkpoint in one file. */
export function originalPart(family: ModelFamily, name: string, more: object = {}): Header {
  const [map, prefix] = layoutOf(family, name);
  return originalShapes(map, partHeader(family, name, more), prefix);
}

/** Of a whole checkpoint in one file, with some of what is of no use in such files. */
export function wholeHeader(family: ModelFamily, more: object = {}): Header {
  const models = Object.entries(family.parts).flatMap(([name, part]) =>
    part?.library === 'transformers' && part.config === undefined
      ? []
      : part?.config !== undefined && name !== 'scheduler'
        ? [name]
        : [],
  );
  const parts = models.flatMap((name) => [...originalPart(family, name, name === 'unet' ? more : {})]);
  return new Map([...parts, ['betas', [1000]], ['alphas_cumprod', [1000]], ['model_ema.decay', []]]);
}

const TRANSFORMERS: Readonly<Record<string, KeyMap>> = {
  StableDiffusion3Pipeline: sd3,
  ZImagePipeline: zImage,
  Flux2KleinPipeline: flux2,
};

/** What files of Stable Diffusion 3 call its text encoders. */
const ENCODERS: Readonly<Record<string, string>> = {
  text_encoder: 'clip_l',
  text_encoder_2: 'clip_g',
  text_encoder_3: 't5xxl',
};

/** As ComfyUI puts all of a model into one file. */
const FLUX: Readonly<Record<string, readonly [KeyMap, string]>> = {
  transformer: [flux, 'model.diffusion_model.'],
  vae: [ldmVae, 'vae.'],
  text_encoder: [unchanged, 'text_encoders.clip_l.transformer.'],
  text_encoder_2: [unchanged, 'text_encoders.t5xxl.transformer.'],
};

function layoutOf(family: ModelFamily, name: string): readonly [KeyMap, string] {
  if (family.className === 'FluxPipeline') return FLUX[name] as readonly [KeyMap, string];
  const isXl = family.className.startsWith('StableDiffusionXL');
  if (name === 'transformer') return [TRANSFORMERS[family.className]!, 'model.diffusion_model.'];
  if (String(family.parts[name]?.config?.['model_type']) === 'qwen3') return [unchanged, ''];
  if (family.className === 'StableDiffusion3Pipeline' && name !== 'vae')
    return [unchanged, `text_encoders.${ENCODERS[name]}.transformer.`];
  if (name === 'unet') return [ldmUnet, 'model.diffusion_model.'];
  if (name === 'vae') return [ldmVae, 'first_stage_model.'];
  if (name === 'text_encoder_2')
    return [openClip, `conditioner.embedders.${family.parts['text_encoder'] == null ? 0 : 1}.model.`];
  if (isXl) return [unchanged, 'conditioner.embedders.0.transformer.'];
  const isOpen = family.parts['text_encoder']?.config?.['hidden_size'] === 1024;
  return isOpen ? [openClip, 'cond_stage_model.model.'] : [unchanged, 'cond_stage_model.transformer.'];
}

/** What a file with such a header would give. */
export function viewsOf(header: Header, dtype = 'F16'): Map<string, TensorView> {
  return new Map(
    Array.from(header, ([name, shape]) => {
      const byteLength = 2 * shape.reduce((a, b) => a * b, 1);
      return [name, { name, dtype, shape, file: '/models/whatever.safetensors', offset: 0, byteLength }];
    }),
  );
}
