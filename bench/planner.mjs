// What the planner says, held against what runs take: full-size checkpoints with random weights, one step each, under the hard limit that was planned for.
import { parseArgs } from 'node:util';
import { openPlanner } from '../packages/planner/dist/index.js';
import { isThimbleError } from '../packages/core/dist/index.js';
import { describeMachine } from './machine.mjs';
import { plannerRun } from './plannerRun.mjs';
import { PlannerRuns } from './PlannerRuns.mjs';
import { sd15Checkpoint, sdxlCheckpoint } from './randomCheckpoint.mjs';
import { mergeSection } from './mergeSection.mjs';
import { markdownTable, median } from './statistics.mjs';

const MB = 2 ** 20;
const HEAD = [
  'run',
  'hard limit',
  'plan',
  'predicted',
  'peak anonymous',
  'predicted',
  'took',
  'best by hand',
  'completed',
];

/** Plans made by hand, of which the best is what the planner's is held against. */
const HAND_MADE = [
  [],
  ['fused attention'],
  ['model offload', 'fused attention'],
  ['sequential offload', 'fused attention'],
];

/** What is run where nothing is asked for: pictures ('4x512x512': four), and limits in megabytes. */
const SD15_LIMITS = [160, 192, 256, 384, 512, 1024, 2048, 4096, undefined];
const GRID = {
  sd15: {
    guidanceScale: 7.5,
    sizes: { '512x512': SD15_LIMITS, '1024x1024': SD15_LIMITS, '4x512x512': SD15_LIMITS },
  },
  sdxl: { guidanceScale: 1, sizes: { '1024x1024': [256, 384, 1024, undefined] } },
  'z-image': { guidanceScale: 0, sizes: { '512x512': [1024, 4096] } },
};

/** `512x512`, or `4x512x512` for four pictures. */
function readSize(text) {
  const [height, width, numImagesPerPrompt = 1] = text.split('x').map(Number).reverse();
  return { width, height, numImagesPerPrompt };
}

async function planned({ checkpoint, variant }, limit, { width, height, guidanceScale, numImagesPerPrompt }) {
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
  if (plan !== undefined) return plan;
  const refusal = await planner.refusal(bytes, 'exact');
  if (isThimbleError(refusal, 'ERR_MEMORY_LIMIT')) return { refused: refusal.details.advice };
  throw refusal;
}

/** What was found in `times` runs of one case; those that an earlier call of the benchmark made count. */
async function measure(runs, { label, limit, model, options }, { times, hand }) {
  const key = `${label}, ${limit ?? 'none'}`;
  const plan = await planned(model, limit, options);
  if (plan.refused !== undefined)
    return [label, within(limit), `refused: ${plan.refused}`, ...HEAD.slice(3).map(() => '')];
  // Where there is no limit the command line plans nothing.
  const plugins = limit === undefined ? plan.techniques : undefined;
  const real = await runs.upTo(times, `${key}, ${plan.techniques.join('+')}`, () =>
    plannerRun(model, { limit, plugins, ...options }),
  );
  const byHand = [];
  for (const chosen of hand ? HAND_MADE : []) {
    const [run] = await runs.upTo(1, `${key}, by hand, ${chosen.join('+')}`, () =>
      plannerRun(model, { limit, plugins: chosen, ...options }),
    );
    if (run.seconds !== undefined) byHand.push(run.seconds);
  }
  return rowOf({ label, limit, plan, real, byHand });
}

function rowOf({ label, limit, plan, real, byHand }) {
  const done = real.filter(({ seconds }) => seconds !== undefined);
  const ratio = (predicted, measured) => (done.length === 0 ? '' : ` (×${(predicted / measured).toFixed(2)})`);
  const peak = Math.max(...real.map(({ peakAnonymous }) => peakAnonymous));
  const seconds = median(done.map((run) => run.seconds));
  return [
    label,
    within(limit),
    plan.techniques.join(', ') || 'no plugins',
    `${Math.round(plan.peakBytes / MB)} MB`,
    `${peak} MB${ratio(plan.peakBytes / MB, peak)}`,
    `${plan.seconds.toFixed(1)} s`,
    done.length === 0 ? '' : `${seconds.toFixed(1)} s${ratio(plan.seconds, seconds)}`,
    byHand.length === 0 ? '' : `${Math.min(...byHand).toFixed(1)} s`,
    `${done.length} of ${real.length}`,
  ];
}

const within = (limit) => (limit === undefined ? 'none' : `${limit} MB`);

/** The cases that were asked for. */
function* casesOf({ models, sizes, limits }) {
  for (const [name, { guidanceScale, sizes: usual }] of Object.entries(GRID)) {
    if (models !== undefined && !models.split(',').includes(name)) continue;
    for (const size of sizes?.split(',') ?? Object.keys(usual)) {
      const asked = limits?.split(',').map((limit) => (limit === 'none' ? undefined : Number(limit)));
      for (const limit of asked ?? usual[size] ?? SD15_LIMITS)
        yield { name, label: `${name} ${size}`, limit, options: { guidanceScale, ...readSize(size) } };
    }
  }
}

/**
 * `npm run bench -- planner [--models sd15,sdxl] [--sizes 512x512,4x512x512] [--limits 160,192,none] [--times 10] [--hand] [--write]`: the part of the grid that is asked for. Each run is kept in `--kept FILE`, so that
 * what was interrupted goes on where it was; `--again` begins anew. `--times N`: N runs of each case, for 'completed N of N'. `--write`: into `docs/benchmarks.md`, all rows that were ever kept there.
 */
export async function benchPlanner(args) {
  const { values } = parseArgs({
    args,
    options: {
      models: { type: 'string' },
      sizes: { type: 'string' },
      limits: { type: 'string' },
      times: { type: 'string', default: '1' },
      hand: { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      kept: { type: 'string', default: 'out/planner.json' },
      sd15: { type: 'string' },
      sdxl: { type: 'string' },
      'z-image': { type: 'string' },
    },
  });
  const checkpoints = {
    sd15: async () => ({ checkpoint: values.sd15 ?? sd15Checkpoint('f16'), variant: 'fp16' }),
    sdxl: async () => ({ checkpoint: values.sdxl ?? (await sdxlCheckpoint()), variant: 'fp16' }),
    'z-image': async () => ({ checkpoint: values['z-image'] }),
  };
  const head = `${describeMachine()}; the command line, one step, cold disk, both processes and the page cache within the limit:\n`;
  console.log(`${head}\n${markdownTable(HEAD, [])}`);
  const runs = new PlannerRuns(values.kept, { again: values.again });
  for (const { name, ...each } of casesOf(values)) {
    if (name === 'z-image' && values['z-image'] === undefined) continue;
    const parts = { ...each, model: await checkpoints[name]() };
    const row = await measure(runs, parts, { times: Number(values.times), hand: values.hand });
    runs.keepRow(`${each.label}, ${each.limit ?? 'none'}`, row);
    console.log(`| ${row.join(' | ')} |`);
  }
  if (values.write) mergeSection('planner', `${head}\n${markdownTable(HEAD, runs.rows)}`);
}
