// Every model that thimble has: a new one takes one line here. The registry and the public entry are made from this list.
export { AutoencoderKL } from './AutoencoderKL.js';
export { AutoencoderKLCogVideoX } from './AutoencoderKLCogVideoX.js';
export { AutoencoderKLFlux2 } from './AutoencoderKLFlux2.js';
export { AutoencoderTiny } from './AutoencoderTiny.js';
export { CLIPTextModel } from './CLIPTextModel.js';
export { CogVideoXTransformer3DModel } from './CogVideoXTransformer3DModel.js';
export { Flux2Transformer2DModel } from './Flux2Transformer2DModel.js';
export { FluxTransformer2DModel } from './FluxTransformer2DModel.js';
export { Qwen3Model } from './Qwen3Model.js';
export { SD3Transformer2DModel } from './SD3Transformer2DModel.js';
export { T5EncoderModel } from './T5EncoderModel.js';
export { UNet2DConditionModel } from './UNet2DConditionModel.js';
export { ZImageTransformer2DModel } from './ZImageTransformer2DModel.js';
