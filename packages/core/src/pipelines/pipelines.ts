// Every pipeline that thimble has: a new one takes one line here. The registry and the public entry are made from this list.
export { CogVideoXPipeline } from './CogVideoXPipeline.js';
export { StableDiffusionPipeline } from './StableDiffusionPipeline.js';
