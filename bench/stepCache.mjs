// Deep layers used again from step to step: what a picture takes, and what the trained demo model's pictures are then.
import { parseArgs } from 'node:util';
import { Int8ComputePlugin } from '../packages/plugin-int8/dist/index.js';
import { StepCachePlugin } from '../packages/plugin-step-cache/dist/index.js';
import { tableOfWays } from './demoPictures.mjs';
import { tableOfPictureTimes } from './pictureTimes.mjs';

/** interval:depth:order */
const SETTINGS = '4:1:1,4:1:0,2:1:1,3:1:1,5:1:1,5:1:0,5:3:1,7:1:1';

function optionsOf(setting) {
  const [interval, depth = 1, order] = setting.split(':').map(Number);
  return { interval, depth, order };
}

function described({ interval, depth, order }) {
  return `interval ${interval}, depth ${depth}${order === undefined ? '' : `, order ${order}`}`;
}

/** The demo model's layers are too small to gain by int8: they are made to. */
const int8 = (demo) => new Int8ComputePlugin(demo ? { minimumOperations: 0, force: true } : {});

async function quality(settings, count) {
  const ways = settings
    .map(optionsOf)
    .flatMap((options, i) => [
      [described(options), () => [new StepCachePlugin(options)]],
      ...(i === 0 ? [[`${described(options)}, and int8`, () => [new StepCachePlugin(options), int8(true)]]] : []),
    ]);
  await tableOfWays(count, ways);
}

/** `npm run bench -- step-cache [--only quality,time] [--count N] [--settings interval:depth:order,…] [--checkpoint DIR] [--steps N] [--rounds N] [--plain]`; the first setting is also timed, and judged with int8 */
export async function benchStepCache(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: 'quality,time' },
      count: { type: 'string', default: '100' },
      settings: { type: 'string', default: SETTINGS },
      checkpoint: { type: 'string' },
      steps: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '1' },
      plain: { type: 'boolean', default: false },
    },
  });
  const settings = values.settings.split(',');
  const parts = values.only.split(',');
  if (parts.includes('quality')) await quality(settings, Number(values.count));
  if (!parts.includes('time')) return;
  const options = optionsOf(settings[0]);
  const cached = { interval: options.interval };
  await tableOfPictureTimes(
    [
      { label: 'thimble', plugins: () => [] },
      { label: described(options), plugins: () => [new StepCachePlugin(options)], ...cached },
      { label: 'int8', plugins: () => [int8(false)] },
      { label: `int8, ${described(options)}`, plugins: () => [int8(false), new StepCachePlugin(options)], ...cached },
    ],
    { ...values, steps: Number(values.steps), rounds: Number(values.rounds) },
  );
}
