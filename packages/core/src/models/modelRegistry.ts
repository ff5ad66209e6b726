import { AutoencoderKL } from './AutoencoderKL.js';
import { AutoencoderKLCogVideoX } from './AutoencoderKLCogVideoX.js';
import { CLIPTextModel } from './CLIPTextModel.js';
import type { ModelConfig } from '../fields/ConfigReader.js';
import { CogVideoXTransformer3DModel } from './CogVideoXTransformer3DModel.js';
import type { Model } from './Model.js';
import { T5EncoderModel } from './T5EncoderModel.js';
import { UNet2DConditionModel } from './UNet2DConditionModel.js';

/** Makes a model of class `className` from its `config.json`. */
export type ModelFactory = (config: ModelConfig, className: string) => Model;

/** The model classes that core knows, by diffusers' and transformers' class names. */
export const modelRegistry: ReadonlyMap<string, ModelFactory> = new Map<string, ModelFactory>([
  ['CLIPTextModel', CLIPTextModel.fromConfig],
  ['CLIPTextModelWithProjection', CLIPTextModel.fromConfig],
  ['UNet2DConditionModel', UNet2DConditionModel.fromConfig],
  ['AutoencoderKL', AutoencoderKL.fromConfig],
  ['T5EncoderModel', T5EncoderModel.fromConfig],
  ['CogVideoXTransformer3DModel', CogVideoXTransformer3DModel.fromConfig],
  ['AutoencoderKLCogVideoX', AutoencoderKLCogVideoX.fromConfig],
]);
