import { AutoencoderKL } from './AutoencoderKL.js';
import { AutoencoderKLCogVideoX } from './AutoencoderKLCogVideoX.js';
import { CLIPTextModel } from './CLIPTextModel.js';
import { CogVideoXTransformer3DModel } from './CogVideoXTransformer3DModel.js';
import type { ModelClass } from './Model.js';
import { T5EncoderModel } from './T5EncoderModel.js';
import { UNet2DConditionModel } from './UNet2DConditionModel.js';

/** The models that thimble has, by diffusers' and transformers' class names. */
export const modelRegistry: Readonly<Record<string, ModelClass>> = {
  AutoencoderKL,
  AutoencoderKLCogVideoX,
  CLIPTextModel,
  CLIPTextModelWithProjection: CLIPTextModel,
  CogVideoXTransformer3DModel,
  T5EncoderModel,
  UNet2DConditionModel,
};
