// node measure.mjs MODEL [steps] [interval:depth …]: time per step and error against computing everything, on a checkpoint. After `npm run build`.
import { DiffusionPipeline } from '@thimble/core';
import { StepCachePlugin } from './dist/src/index.js';

const [model, steps = '20', ...given] = process.argv.slice(2);
const settings = (given.length > 0 ? given : ['2:1', '3:1', '5:1', '3:2']).map((text) => text.split(':').map(Number));
const prompts = ['a red apple on a blue background', 'a cat face on a yellow background'];

const pipe = await DiffusionPipeline.fromPretrained(model);
const run = { numInferenceSteps: Number(steps), guidanceScale: 4, outputType: 'tensor' };

/** Pictures of every prompt, and what a step took on average, the first one aside. */
async function measure() {
  const results = [];
  for (const [i, prompt] of prompts.entries()) results.push(await pipe.generate(prompt, { ...run, seed: i }));
  const times = results.flatMap(({ timings }) => timings.steps.slice(1));
  return { pictures: results.map(({ images }) => images.data), step: times.reduce((a, b) => a + b, 0) / times.length };
}

/** Mean absolute error of pixels, 0 to 255, and the peak signal-to-noise ratio. */
function compare(pictures, originals) {
  let [absolute, square, count] = [0, 0, 0];
  for (const [i, picture] of pictures.entries()) {
    for (let j = 0; j < picture.length; j++) {
      const difference = picture[j] - originals[i][j];
      absolute += Math.abs(difference);
      square += difference ** 2;
      count++;
    }
  }
  return { absolute: (255 * absolute) / count, psnr: square === 0 ? Infinity : 10 * Math.log10(count / square) };
}

await measure();
const full = await measure();
console.log(
  `| interval, depth | ms per step | speed-up | mean error of a pixel, of 255 | PSNR, dB |\n| --- | ---: | ---: | ---: | ---: |\n| everything | ${full.step.toFixed(1)} | 1.00 | 0 | |`,
);
for (const [interval, depth = 1] of settings) {
  const handle = await pipe.use(new StepCachePlugin({ interval, depth }));
  await measure();
  const { pictures, step } = await measure();
  await handle.remove();
  const { absolute, psnr } = compare(pictures, full.pictures);
  console.log(
    `| ${interval}, ${depth} | ${step.toFixed(1)} | ${(full.step / step).toFixed(2)} | ${absolute.toFixed(2)} | ${psnr.toFixed(1)} |`,
  );
}
await pipe.dispose();
