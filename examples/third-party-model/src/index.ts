export { BlendScheduler } from './BlendScheduler.js';
export { ShapeDenoiser } from './ShapeDenoiser.js';
export { ShapesPipeline } from './ShapesPipeline.js';
export { ShapesPlugin } from './ShapesPlugin.js';
export { WordTokenizer } from './WordTokenizer.js';
