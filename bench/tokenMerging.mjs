// Tokens merged before the largest self-attentions: what a picture takes, and what the trained demo model's pictures are then.
import { parseArgs } from 'node:util';
import { Int8ComputePlugin } from '../packages/plugin-int8/dist/index.js';
import { TokenMergingPlugin } from '../packages/plugin-token-merging/dist/index.js';
import { tableOfWays } from './demoPictures.mjs';
import { tableOfPictureTimes } from './pictureTimes.mjs';

/** ratio:maxDownsample. The demo model attends to tokens that lie four and eight times wider apart than its latents. */
const SETTINGS = '0.25:4,0.5:4,0.75:4,0.5:8';

function optionsOf(setting) {
  const [ratio, maxDownsample = 1] = setting.split(':').map(Number);
  return { ratio, maxDownsample };
}

const described = ({ ratio, maxDownsample }) => `ratio ${ratio}, maxDownsample ${maxDownsample}`;

/** `npm run bench -- token-merging [--only quality,time] [--count N] [--settings ratio:maxDownsample,…] [--ratio R] [--checkpoint DIR] [--steps N] [--rounds N] [--plain]`; what is timed is `ratio` in attentions of the largest size */
export async function benchTokenMerging(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: 'quality,time' },
      count: { type: 'string', default: '100' },
      settings: { type: 'string', default: SETTINGS },
      ratio: { type: 'string', default: '0.5' },
      checkpoint: { type: 'string' },
      steps: { type: 'string', default: '6' },
      rounds: { type: 'string', default: '1' },
      plain: { type: 'boolean', default: false },
    },
  });
  const settings = values.settings.split(',').map(optionsOf);
  const parts = values.only.split(',');
  if (parts.includes('quality')) {
    await tableOfWays(
      Number(values.count),
      settings.map((options) => [described(options), () => [new TokenMergingPlugin(options)]]),
    );
  }
  if (!parts.includes('time')) return;
  const options = optionsOf(values.ratio);
  await tableOfPictureTimes(
    [
      { label: 'thimble', plugins: () => [] },
      { label: described(options), plugins: () => [new TokenMergingPlugin(options)] },
      { label: 'int8', plugins: () => [new Int8ComputePlugin()] },
      {
        label: `int8, ${described(options)}`,
        plugins: () => [new Int8ComputePlugin(), new TokenMergingPlugin(options)],
      },
    ],
    { ...values, steps: Number(values.steps), rounds: Number(values.rounds) },
  );
}
