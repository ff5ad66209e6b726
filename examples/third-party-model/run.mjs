// node run.mjs PROMPT FILE: draws a picture. After `npm run build`.
import { DiffusionPipeline } from '@thimble/core';
import { ShapesPlugin } from './dist/src/index.js';

const [prompt = 'a red disc', file = 'shape.png'] = process.argv.slice(2);
const checkpoint = new URL('checkpoint', import.meta.url).pathname;
const pipe = await DiffusionPipeline.fromPretrained(checkpoint, { plugins: [new ShapesPlugin()] });
const { images } = await pipe.generate(prompt, { seed: 1 });
await images[0].save(file);
await pipe.dispose();
console.log(`${file}: ${images[0].width}x${images[0].height}`);
