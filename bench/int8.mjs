// SD 1.5 at full size with random weights, 512×512: int8 computation beside float32, and beside plain onnxruntime-node on the same graphs exported whole.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DiffusionPipeline } from '../packages/core/dist/index.js';
import { Int8ComputePlugin } from '../packages/plugin-int8/dist/index.js';
import { measureTask, TASKS } from './componentTimes.mjs';
import { likeness } from './likeness.mjs';
import { describeMachine } from './machine.mjs';
import { sd15Checkpoint } from './randomCheckpoint.mjs';
import { markdownTable } from './statistics.mjs';

const MB = 2 ** 20;

function report(task, rows) {
  const plain = rows.find(({ sample }) => sample === undefined);
  const reference = rows.find(({ label }) => label.includes('f16'));
  const ratio = (seconds, to) => (to === undefined ? '' : `×${(to.seconds / seconds).toFixed(2)}`);
  console.log(`${task.label}:\n`);
  console.log(
    `${markdownTable(
      [
        '',
        's',
        'to onnxruntime-node',
        'to f16',
        'load',
        'peak anonymous',
        'peak resident',
        'correlation with f16',
        'dB',
      ],
      rows.map((row) => {
        const like =
          row.sample === undefined || reference === undefined || row === reference
            ? undefined
            : likeness(reference.sample, row.sample);
        return [
          row.label,
          row.seconds.toFixed(2),
          ratio(row.seconds, plain),
          ratio(row.seconds, reference),
          `${(row.load / 1000).toFixed(2)} s`,
          `${Math.round(row.most.anonymous / MB)} MB`,
          `${Math.round(row.most.peak / MB)} MB`,
          like === undefined ? '' : like.correlation.toFixed(4),
          like === undefined ? '' : like.decibels.toFixed(1),
        ];
      }),
    )}\n`,
  );
}

/** Makes the weights, so that the loading that is measured finds them; says how long that takes and how large they are. */
export async function makeWeights(component) {
  const started = performance.now();
  const pipe = await DiffusionPipeline.fromPretrained(sd15Checkpoint('f16'), { components: [component] });
  await pipe.use(new Int8ComputePlugin());
  const seconds = (performance.now() - started) / 1000;
  const ranges = await mappedBytes(pipe.components[component]);
  await pipe.dispose();
  return [component, `${seconds.toFixed(1)} s`, ...ranges];
}

/** Megabytes that are mapped from the checkpoint and from the cache. */
async function mappedBytes(component) {
  const task = Object.values(TASKS).find((one) => one.component === component.name);
  const { programs } = await component.freeze(task.entry, task.inputs);
  const ranges = [...programs.values()].flatMap((program) => program.ranges);
  const total = (isWanted) =>
    ranges
      .filter(({ file }) => isWanted(component.checkpoint.files.includes(file)))
      .reduce((sum, { byteLength }) => sum + byteLength, 0);
  const source = component.checkpoint.files.reduce((sum, file) => sum + statSync(file).size, 0);
  return [
    `${Math.round(source / MB)} MB`,
    `${Math.round(total((own) => !own) / MB)} MB`,
    `${Math.round(total((own) => own) / MB)} MB`,
  ];
}

/** `npm run bench -- int8 [--only plain,chunked,f32,f16,int8] [--tasks unet,cfg,vae] [--rounds N] [--warm-up N] [--cache FOLDER]` */
export async function benchInt8(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: 'plain,f32,f16,int8' },
      tasks: { type: 'string', default: 'unet,cfg,vae' },
      rounds: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '2' },
      cache: { type: 'string' },
    },
  });
  const cache = values.cache ?? mkdtempSync(join(tmpdir(), 'thimble-bench-cache-'));
  process.env.THIMBLE_CACHE = cache;
  try {
    const tasks = values.tasks.split(',').map((name) => TASKS[name]);
    console.log(
      `SD 1.5, 512×512; medians of ${values.rounds} interleaved passes after ${values['warm-up']}. ${describeMachine()}\n`,
    );
    const made = [];
    for (const component of new Set(tasks.map((task) => task.component))) made.push(await makeWeights(component));
    for (const task of tasks)
      report(
        task,
        await measureTask(task, {
          only: values.only.split(','),
          rounds: Number(values.rounds),
          warmUp: Number(values['warm-up']),
        }),
      );
    console.log(
      `Files:\n\n${markdownTable(['', 'int8 weights, time to make once', 'checkpoint, f16', 'int8 weights that are mapped', 'of the checkpoint, mapped'], made)}`,
    );
  } finally {
    if (values.cache === undefined) rmSync(cache, { recursive: true, force: true });
  }
}
