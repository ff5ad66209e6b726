import { fileURLToPath } from 'node:url';
import { DiffusionPipeline } from '../packages/core/dist/index.js';
import { evaluate, RECOMMENDED } from '../models/demo/train/evaluate.mjs';
import { describeMachine } from './machine.mjs';
import { markdownTable, median } from './statistics.mjs';

/** The folder of the trained model. */
export const DEMO = fileURLToPath(new URL('../models/demo', import.meta.url));

/** How its pictures are drawn. */
export const DEMO_RUN = { numInferenceSteps: RECOMMENDED.steps, guidanceScale: RECOMMENDED.guidanceScale };

/** How far the pixels of two pictures, 0 to 255, are from one another. */
export function psnr(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] - b[i]) ** 2;
  return sum === 0 ? Infinity : 10 * Math.log10(255 ** 2 / (sum / a.length));
}

/** Pictures of `count` prompts, and what the judge of models/demo/train says of them. */
export async function drawDemo(pipe, count) {
  const pictures = [];
  const result = await evaluate(
    async (prompt, seed) => {
      const {
        images: [image],
      } = await pipe.generate(prompt, { ...DEMO_RUN, seed });
      pictures.push(image);
      return image;
    },
    { count, log: () => undefined },
  );
  return { pictures, result };
}

const percent = (share) => `${(100 * share).toFixed(0)} %`;

/** What the judge says, as cells of a table: backgrounds, things, error. */
export function judged({ result }) {
  return [percent(result.background), percent(result.thing), result.error.toFixed(4)];
}

/** What pictures are to those without plugins, as cells of a table: the median and the least PSNR in dB. */
export function likenessCells({ pictures }, plain) {
  const each = pictures.map((picture, i) => psnr(picture.data, plain.pictures[i].data));
  return [median(each), Math.min(...each)].map((value) => value.toFixed(1));
}

/** Prints a table: the demo model as it is, and with the plugins of each of `ways`, [label, () => plugins]. */
export async function tableOfWays(count, ways) {
  console.log(
    `The demo model, ${count} prompts, ${DEMO_RUN.numInferenceSteps} steps; PSNR against pictures without. ${describeMachine()}\n`,
  );
  const pipe = await DiffusionPipeline.fromPretrained(DEMO);
  const plain = await drawDemo(pipe, count);
  const rows = [['without', '', '', ...judged(plain)]];
  for (const [label, plugins] of ways) {
    const handles = [];
    for (const plugin of plugins()) handles.push(await pipe.use(plugin));
    const drawn = await drawDemo(pipe, count);
    for (const handle of handles.toReversed()) await handle.remove();
    rows.push([label, ...likenessCells(drawn, plain), ...judged(drawn)]);
    process.stderr.write(`${rows.at(-1).join('  ')}\n`);
  }
  console.log(
    markdownTable(['', 'median PSNR', 'least PSNR', 'backgrounds right', 'things right', 'mean error'], rows),
  );
  await pipe.dispose();
}
