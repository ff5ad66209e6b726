import { AutoencoderKL } from './AutoencoderKL.js';
import { CLIPTextModel } from './CLIPTextModel.js';
import type { ModelConfig } from './ConfigReader.js';
import type { Model } from './Model.js';
import { UNet2DConditionModel } from './UNet2DConditionModel.js';

/** Makes a model of class `className` from its `config.json`. */
export type ModelFactory = (config: ModelConfig, className: string) => Model;

/** The model classes that core knows, by diffusers' and transformers' class names. */
export const modelRegistry: ReadonlyMap<string, ModelFactory> = new Map<string, ModelFactory>([
  ['CLIPTextModel', CLIPTextModel.fromConfig],
  ['CLIPTextModelWithProjection', CLIPTextModel.fromConfig],
  ['UNet2DConditionModel', UNet2DConditionModel.fromConfig],
  ['AutoencoderKL', AutoencoderKL.fromConfig],
]);
