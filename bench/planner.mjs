// What the planner says, held against what runs take: full-size checkpoints with random weights, one step each, under the hard limit that was planned for.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openPlanner } from '../packages/planner/dist/index.js';
import { isThimbleError } from '../packages/core/dist/index.js';
import { describeMachine } from './machine.mjs';
import { sd15Checkpoint, sdxlCheckpoint } from './randomCheckpoint.mjs';
import { markdownTable } from './statistics.mjs';
import { underLimit } from './underLimit.mjs';

const MB = 2 ** 20;
const WORKER = fileURLToPath(new URL('plannerWorker.mjs', import.meta.url));

/** For the control group of a run without a limit, which has to count it all the same. */
const NO_LIMIT = 20_480;

/** Plans made by hand, of which the best is what the planner's is held against. */
const HAND_MADE = [
  [],
  ['fused attention'],
  ['model offload', 'fused attention'],
  ['sequential offload', 'fused attention'],
];

const SD15 = { width: 512, height: 512, guidanceScale: 7.5 };

/** What is run: limits in megabytes. */
const GRID = {
  'sd15 512': { model: 'sd15', limits: [160, 192, 256, 384, 512, 1024, 2048, 4096, undefined], options: SD15 },
  'sd15 1024': {
    model: 'sd15',
    limits: [160, 192, 256, 384, 512, 1024, 2048, 4096, undefined],
    options: { ...SD15, width: 1024, height: 1024 },
  },
  'sd15 512 ×4': {
    model: 'sd15',
    limits: [160, 192, 256, 384, 512, 1024, 2048, 4096, undefined],
    options: { ...SD15, numImagesPerPrompt: 4 },
  },
  'sdxl 1024': {
    model: 'sdxl',
    limits: [256, 384, 1024, undefined],
    options: { width: 1024, height: 1024, guidanceScale: 1 },
  },
  'z-image 512': { model: 'z-image', limits: [1024, 4096], options: { width: 512, height: 512, guidanceScale: 0 } },
};

async function planned({ checkpoint, variant }, limit, { width, height, guidanceScale, numImagesPerPrompt = 1 }) {
  const started = performance.now();
  try {
    const { planner } = await openPlanner(checkpoint, {
      ...(variant === undefined ? {} : { variant }),
      memory: 'none',
      width,
      height,
      count: numImagesPerPrompt,
      guidance: guidanceScale,
      numInferenceSteps: 1,
    });
    const bytes = limit === undefined ? undefined : limit * MB;
    const plan = await planner.plan(bytes, 'exact');
    if (plan === undefined) throw await planner.refusal(bytes, 'exact');
    return { ...plan, milliseconds: performance.now() - started };
  } catch (error) {
    if (isThimbleError(error, 'ERR_MEMORY_LIMIT')) return { refused: error.details.advice };
    throw error;
  }
}

async function run({ checkpoint, variant }, limit, plugins, options) {
  const given = JSON.stringify({ checkpoint, variant, limit, plugins, ...options });
  const { lines, ok, peakAnonymous } = await underLimit(limit ?? NO_LIMIT, [process.execPath, WORKER, given], {
    cold: true,
  });
  const said = lines.find((line) => line.startsWith('{"seconds"'));
  return ok && said !== undefined ? { ...JSON.parse(said), peakAnonymous } : { lines };
}

/** The row of one run, and of those by hand where they are asked for. */
async function measure(label, model, limit, options, byHand) {
  const within = limit === undefined ? 'none' : `${limit} MB`;
  const plan = await planned(model, limit, options);
  if (plan.refused !== undefined) return [label, within, `refused: ${plan.refused}`];
  // Where there is no limit, the plugin has nothing to plan for.
  const real = await run(model, limit, limit === undefined ? plan.techniques : ['planner'], options);
  const hand = [];
  if (byHand)
    for (const plugins of HAND_MADE) hand.push((await run(model, limit, plugins, options)).seconds ?? Infinity);
  const predicted = plan.peakBytes / MB;
  const row = [
    label,
    within,
    plan.techniques.join(', ') || 'no plugins',
    `${Math.round(predicted)} MB`,
    real.seconds === undefined
      ? 'killed'
      : `${real.peakAnonymous} MB (×${(predicted / real.peakAnonymous).toFixed(2)})`,
    `${plan.seconds.toFixed(1)} s`,
    real.seconds === undefined ? '' : `${real.seconds.toFixed(1)} s (×${(plan.seconds / real.seconds).toFixed(2)})`,
    byHand ? `${Math.min(...hand).toFixed(1)} s` : '',
  ];
  process.stderr.write(`${row.join(' | ')}\n`);
  return row;
}

/** `npm run bench -- planner [--only 'sd15 512'] [--limits 160,192] [--hand]` */
export async function benchPlanner(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      limits: { type: 'string' },
      hand: { type: 'boolean', default: false },
      sd15: { type: 'string' },
      sdxl: { type: 'string' },
      'z-image': { type: 'string' },
    },
  });
  const models = {
    sd15: async () => ({ checkpoint: values.sd15 ?? sd15Checkpoint('f16'), variant: 'fp16' }),
    sdxl: async () => ({ checkpoint: values.sdxl ?? (await sdxlCheckpoint()), variant: 'fp16' }),
    'z-image': async () => ({ checkpoint: values['z-image'] }),
  };
  console.log(`${describeMachine()}; one step, cold disk, both processes and the page cache within the limit:\n`);
  const rows = [];
  for (const [label, { model, limits, options }] of Object.entries(GRID)) {
    if (values.only !== undefined && !values.only.split(',').includes(label)) continue;
    if (model === 'z-image' && values['z-image'] === undefined) continue;
    const opened = await models[model]();
    const asked = values.limits?.split(',').map((limit) => (limit === 'none' ? undefined : Number(limit)));
    for (const limit of asked ?? limits)
      rows.push(await measure(label, opened, limit, options, values.hand && label === 'sd15 512'));
  }
  const head = ['run', 'hard limit', 'plan', 'predicted', 'peak anonymous', 'predicted', 'took', 'best by hand'];
  console.log(markdownTable(head, rows));
}
