// Every pipeline that thimble has: a new one takes one line here. The registry and the public entry are made from this list.
export { StableDiffusionPipeline } from './StableDiffusionPipeline.js';
export { LatentConsistencyModelPipeline } from './LatentConsistencyModelPipeline.js';
export { StableDiffusionXLPipeline } from './StableDiffusionXLPipeline.js';
export { StableDiffusion3Pipeline } from './StableDiffusion3Pipeline.js';
export { CogVideoXPipeline } from './CogVideoXPipeline.js';
export { Flux2KleinPipeline } from './Flux2KleinPipeline.js';
export { FluxPipeline } from './FluxPipeline.js';
export { ZImagePipeline } from './ZImagePipeline.js';
