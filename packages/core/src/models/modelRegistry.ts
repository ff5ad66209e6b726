import type { ModelClass } from './Model.js';
import * as models from './models.js';

/** The models that thimble has, by diffusers' and transformers' class names: all that `models.ts` lists, some under a second name. */
export const modelRegistry: Readonly<Record<string, ModelClass>> = {
  ...models,
  CLIPTextModelWithProjection: models.CLIPTextModel,
  Qwen3ForCausalLM: models.Qwen3Model,
};
