// The latency table of diffusers' memory guide, on this machine: SD 1.5 at full size with random weights, 512×512, DDIM with guidance.
import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DiffusionPipeline } from '../packages/core/dist/index.js';
import { MemoryEfficientAttentionPlugin } from '../packages/plugin-attention/dist/index.js';
import { ChannelsLastPlugin } from '../packages/plugin-channels-last/dist/index.js';
import { LayerwiseCastingPlugin } from '../packages/plugin-fp8/dist/index.js';
import { Int8ComputePlugin } from '../packages/plugin-int8/dist/index.js';
import { TracingPlugin } from '../packages/plugin-tracing/dist/index.js';
import { drawTable } from './drawTable.mjs';
import { describeMachine } from './machine.mjs';
import { watchMemory } from './memory.mjs';
import { PlainEngine } from './PlainEngine.mjs';
import { sd15Checkpoint } from './randomCheckpoint.mjs';
import { markdownTable, median } from './statistics.mjs';

const MB = 2 ** 20;
const GUIDE_STEPS = 50;

/** As the guide's rows, each has what those before it have; not so the last three, which are ours. `guide`: seconds of 50 steps on a Titan RTX, from the guide. */
const ROWS = [
  { id: 'plain', label: 'onnxruntime-node, defaults', note: 'the UNet exported whole' },
  {
    id: 'original',
    label: 'original',
    guide: 9.5,
    dtype: 'f32',
    plugins: () => [math()],
    note: 'weights mapped as they lie, not packed for the kernels: no load time',
  },
  {
    id: 'fp16',
    label: '+ fp16',
    guide: 3.61,
    dtype: 'f16',
    plugins: () => [math()],
    note: 'storage on the CPU: half the file, widened at every step',
  },
  {
    id: 'channels-last',
    label: '+ channels last',
    guide: 3.3,
    dtype: 'f16',
    plugins: () => [math(), new ChannelsLastPlugin()],
    note: 'private float32 copies of convolutions',
  },
  {
    id: 'traced',
    label: '+ traced UNet',
    guide: 3.21,
    dtype: 'f16',
    plugins: (traces) => [math(), new ChannelsLastPlugin(), new TracingPlugin({ dir: traces, prepack: true })],
    note: 'float32 weights mapped from the trace',
  },
  {
    id: 'attention',
    label: '+ memory-efficient attention',
    guide: 2.63,
    dtype: 'f16',
    plugins: (traces) => [
      new MemoryEfficientAttentionPlugin(),
      new ChannelsLastPlugin(),
      new TracingPlugin({ dir: traces, prepack: true }),
    ],
    note: 'fused where it is faster',
  },
  {
    id: 'fp8',
    label: 'fp8, with such attention',
    dtype: 'f16',
    plugins: () => [new LayerwiseCastingPlugin(), new MemoryEfficientAttentionPlugin()],
    note: 'a quarter of the file of float32, widened at every step',
  },
  {
    id: 'int8',
    label: 'int8 weights, likewise',
    dtype: 'f16',
    plugins: () => [new LayerwiseCastingPlugin({ storageDtype: 'int8' }), new MemoryEfficientAttentionPlugin()],
    note: 'as fp8',
  },
  {
    id: 'int8-compute',
    label: 'int8 computation',
    dtype: 'f16',
    plugins: () => [new Int8ComputePlugin()],
    note: 'layers in int8, attention fused in float32',
  },
];

function math() {
  return new MemoryEfficientAttentionPlugin({ backend: 'math' });
}

/** Runs of a whole pipeline; each step is one step event of its stream. */
class PipelineEngine {
  #row;
  #options;
  #pipe;
  #stream;

  constructor(row, options) {
    this.#row = row;
    this.#options = options;
  }

  async load() {
    const { checkpoints, traces, steps } = this.#options;
    const started = performance.now();
    this.#pipe = await DiffusionPipeline.fromPretrained(checkpoints[this.#row.dtype], {
      dtype: this.#row.dtype === 'f16' ? 'float16' : 'float32',
      components: ['unet', 'text_encoder', 'tokenizer', 'scheduler'],
      plugins: this.#row.plugins(traces),
    });
    this.#pipe.scheduler = this.#pipe.createScheduler('DDIMScheduler');
    this.#stream = this.#pipe.stream('a photo of an astronaut riding a horse on mars', {
      numInferenceSteps: steps,
      width: 512,
      height: 512,
      seed: 1,
      outputType: 'latent',
    });
    return performance.now() - started;
  }

  get pid() {
    return this.#pipe.device.pid;
  }

  async run() {
    for (;;) {
      const { value, done } = await this.#stream.next();
      if (done) throw new Error('the run is over');
      if (value.type === 'step') return value.milliseconds;
    }
  }

  async dispose() {
    await this.#pipe.dispose();
  }
}

/** One row in a process of its own: a first step, which loads, a second to warm up, then those that count. */
async function measure(row, options) {
  const engine = row.id === 'plain' ? new PlainEngine(options.checkpoints.f32, 2) : new PipelineEngine(row, options);
  let load = await engine.load();
  try {
    const times = [];
    let watch;
    for (let step = 0; step < options.steps; step++) {
      times.push(await engine.run());
      watch ??= watchMemory(engine.pid);
      process.stderr.write(`${row.id}: ${(times.at(-1) / 1000).toFixed(2)} s\n`);
    }
    watch.stop();
    const counted = times.slice(2);
    load += Math.max(0, times[0] - median(counted));
    return { load, times: counted, anonymous: watch.most.anonymous, resident: watch.most.peak };
  } finally {
    await engine.dispose();
  }
}

function summarize(row, runs, base) {
  const step = median(runs.flatMap(({ times }) => times)) / 1000;
  return {
    id: row.id,
    label: row.label,
    note: row.note ?? '',
    guide: row.guide,
    secondsPerStep: step,
    projected: step * GUIDE_STEPS,
    speedUp: base === undefined ? 1 : base / step,
    load: median(runs.map(({ load }) => load)) / 1000,
    anonymous: Math.max(...runs.map(({ anonymous }) => anonymous)),
    resident: Math.max(...runs.map(({ resident }) => resident)),
    steps: runs.flatMap(({ times }) => times.map((time) => time / 1000)),
  };
}

function toMarkdown(rows) {
  const original = rows.find(({ id }) => id === 'original');
  const times = (value) => `×${value.toFixed(2)}`;
  return markdownTable(
    [
      '',
      's per step',
      `${GUIDE_STEPS} steps`,
      'speed-up',
      'Titan RTX, guide',
      'load',
      'peak anonymous',
      'peak resident',
      '',
    ],
    rows.map((row) => [
      row.label,
      row.secondsPerStep.toFixed(2),
      `${Math.round(row.projected)} s`,
      original === undefined ? '' : times(original.secondsPerStep / row.secondsPerStep),
      row.guide === undefined ? '' : `${row.guide.toFixed(2)} s, ${times(ROWS[1].guide / row.guide)}`,
      `${row.load.toFixed(1)} s`,
      `${Math.round(row.anonymous / MB)} MB`,
      `${Math.round(row.resident / MB)} MB`,
      row.note,
    ]),
  );
}

/** `npm run bench -- table [--rounds N] [--steps N] [--only original,fp16,…] [--out FOLDER] [--traces FOLDER]`: of the steps of a run all but the first two count. */
export async function benchTable(args) {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '3' },
      steps: { type: 'string', default: '5' },
      only: { type: 'string', default: ROWS.map(({ id }) => id).join() },
      out: { type: 'string', default: 'out/table' },
      traces: { type: 'string', default: join(tmpdir(), 'thimble-bench-traces') },
    },
  });
  const [rounds, steps] = [Number(values.rounds), Number(values.steps)];
  const chosen = ROWS.filter(({ id }) => values.only.split(',').includes(id));
  const options = {
    steps,
    traces: resolve(values.traces),
    checkpoints: { f32: sd15Checkpoint('f32'), f16: sd15Checkpoint('f16') },
  };
  const runs = new Map(chosen.map(({ id }) => [id, []]));
  for (let round = 0; round < rounds; round++)
    for (const row of chosen) runs.get(row.id).push(await measure(row, options));
  const rows = chosen.map((row) => summarize(row, runs.get(row.id)));
  const machine = describeMachine();
  const title = `SD 1.5, 512×512, DDIM with guidance (batch 2); medians of ${rounds} × ${steps - 2} steps, rows in turn`;
  const markdown = `${title}. ${machine}\n\n${toMarkdown(rows)}\n`;
  mkdirSync(values.out, { recursive: true });
  writeFileSync(join(values.out, 'table.md'), markdown);
  writeFileSync(join(values.out, 'table.json'), `${JSON.stringify({ title, machine, rows }, undefined, 2)}\n`);
  writeFileSync(join(values.out, 'table.svg'), drawTable({ title, machine, rows }));
  console.log(markdown);
}
