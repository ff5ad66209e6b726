// Everything beside plain onnxruntime-node in one run: one table, and its figures as JSON, which `npm run bench -- compare` reads.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { Int8ComputePlugin } from '../packages/plugin-int8/dist/index.js';
import { StepCachePlugin } from '../packages/plugin-step-cache/dist/index.js';
import { TokenMergingPlugin } from '../packages/plugin-token-merging/dist/index.js';
import { measureTask, TASKS } from './componentTimes.mjs';
import { makeWeights } from './int8.mjs';
import { describeMachine } from './machine.mjs';
import { measurePictures, STEPS } from './pictureTimes.mjs';
import { markdownTable } from './statistics.mjs';

const MB = 2 ** 20;

const CACHED = { interval: 4, depth: 1, order: 1 };

/** What is measured, and how often: in full, and where there is little time. */
const PLANS = {
  full: {
    rounds: 5,
    warmUp: 2,
    ways: {
      unet: ['plain', 'chunked', 'f32', 'f16', 'int8'],
      cfg: ['plain', 'f32', 'f16', 'int8'],
      vae: ['plain', 'f32', 'f16', 'int8'],
    },
    pictures: ['f16', 'f16-cached', 'f16-merged', 'int8', 'int8-cached'],
    steps: 10,
  },
  quick: {
    rounds: 2,
    warmUp: 1,
    ways: {
      unet: ['plain', 'chunked', 'f32', 'f16', 'int8'],
      cfg: ['plain', 'f32', 'int8'],
      vae: ['plain', 'f32', 'int8'],
    },
    pictures: ['int8', 'int8-cached'],
    steps: 4,
  },
};

const int8 = () => new Int8ComputePlugin();
const cached = () => new StepCachePlugin(CACHED);

/** Whole pictures; what caches steps stands behind what it has the text encoder and the VAE of. */
const PICTURES = {
  f16: { label: 'thimble, f16', plugins: () => [] },
  'f16-cached': { label: 'thimble, f16, step cache', plugins: () => [cached()], interval: CACHED.interval },
  'f16-merged': { label: 'thimble, f16, token merging', plugins: () => [new TokenMergingPlugin({ ratio: 0.5 })] },
  int8: { label: 'thimble, int8', plugins: () => [int8()] },
  'int8-cached': { label: 'thimble, int8, step cache', plugins: () => [int8(), cached()], interval: CACHED.interval },
};

/** A component's passes. */
async function componentRows(name, { ways, rounds, warmUp }) {
  const task = TASKS[name];
  await makeWeights(task.component);
  const measured = await measureTask(task, { only: ways[name], rounds, warmUp });
  const [plain] = measured;
  return measured.map(({ label, seconds, load, most }) => ({
    what: task.label,
    way: label,
    seconds,
    timesPlain: plain.seconds / seconds,
    load: load / 1000,
    anonymous: most.anonymous,
    resident: most.peak,
  }));
}

/** The steps of pictures; plain onnxruntime-node takes a pass of two samples for each call of the UNet. */
async function pictureRows({ pictures, steps }, plainPass) {
  const what = `${STEPS} steps with guidance`;
  const measured = await measurePictures(
    pictures.map((name) => PICTURES[name]),
    { steps, rounds: 1, plain: false },
  );
  const plain = measured[0].calls * plainPass;
  return [
    { what, way: 'onnxruntime-node, defaults', seconds: plain, timesPlain: 1 },
    ...measured.map(({ label, steps: milliseconds }) => ({
      what,
      way: label,
      seconds: milliseconds / 1000,
      timesPlain: (plain * 1000) / milliseconds,
    })),
  ];
}

function print(rows, machine) {
  const megabytes = (bytes) => (bytes === undefined ? '' : `${Math.round(bytes / MB)} MB`);
  console.log(
    `SD 1.5 at full size (random weights), 512×512; × = how many times as fast as onnxruntime-node. ${machine}\n`,
  );
  console.log(
    markdownTable(
      ['', '', 's', '', 'load', 'peak anonymous', 'peak resident'],
      rows.map(({ what, way, seconds, timesPlain, load, anonymous, resident }) => [
        what,
        way,
        seconds.toFixed(2),
        `×${timesPlain.toFixed(2)}`,
        load === undefined ? '' : `${load.toFixed(2)} s`,
        megabytes(anonymous),
        megabytes(resident),
      ]),
    ),
  );
}

/** `npm run bench -- all [--quick] [--only unet,cfg,vae,pictures] [--rounds N] [--warm-up N] [--steps N] [--json FILE]`; `--quick` takes fewer passes and ways; pictures need `cfg`, which they are held against */
export async function benchAll(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: 'unet,cfg,vae,pictures' },
      rounds: { type: 'string' },
      'warm-up': { type: 'string' },
      steps: { type: 'string' },
      json: { type: 'string', default: 'out/bench.json' },
    },
  });
  const plan = PLANS[values.quick ? 'quick' : 'full'];
  const number = (given, usual) => (given === undefined ? usual : Number(given));
  const chosen = {
    ...plan,
    rounds: number(values.rounds, plan.rounds),
    warmUp: number(values['warm-up'], plan.warmUp),
    steps: number(values.steps, plan.steps),
  };
  const parts = values.only.split(',');
  const cache = mkdtempSync(join(tmpdir(), 'thimble-bench-cache-'));
  process.env.THIMBLE_CACHE = cache;
  try {
    const rows = [];
    for (const name of Object.keys(TASKS).filter((task) => parts.includes(task)))
      rows.push(...(await componentRows(name, chosen)));
    const plainPass = rows.find(({ what }) => what === TASKS.cfg.label)?.seconds;
    if (parts.includes('pictures') && plainPass !== undefined) rows.push(...(await pictureRows(chosen, plainPass)));
    const machine = describeMachine();
    print(rows, machine);
    mkdirSync(dirname(values.json), { recursive: true });
    writeFileSync(values.json, `${JSON.stringify({ machine, quick: values.quick, rows }, null, 2)}\n`);
    console.log(`\nwritten to ${values.json}`);
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}
