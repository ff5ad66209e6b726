// SD 1.5's UNet at full size with random weights: thimble beside plain onnxruntime-node at its defaults on the same graph exported whole.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { DiffusionPipeline } from '../packages/core/dist/index.js';
import { MemoryEfficientAttentionPlugin } from '../packages/plugin-attention/dist/index.js';
import { describeMachine } from './machine.mjs';
import { readProcessMemory, watchMemory } from './memory.mjs';
import { PlainEngine } from './PlainEngine.mjs';
import { sd15Checkpoint } from './randomCheckpoint.mjs';
import { markdownTable, median } from './statistics.mjs';
import { unetInputs } from './unetInputs.mjs';

const MB = 2 ** 20;

/** A thimble pipeline with only the UNet. */
class ThimbleEngine {
  label;
  #checkpoint;
  #batch;
  #plugins;
  #pipe;

  constructor(label, checkpoint, batch, plugins = []) {
    this.label = label;
    this.#checkpoint = checkpoint;
    this.#batch = batch;
    this.#plugins = plugins;
  }

  async load() {
    const started = performance.now();
    this.#pipe = await DiffusionPipeline.fromPretrained(this.#checkpoint, {
      components: ['unet'],
      plugins: this.#plugins,
    });
    await this.#pipe.components.unet.load();
    return performance.now() - started;
  }

  get pid() {
    return this.#pipe.device.pid;
  }

  async run() {
    const started = performance.now();
    await this.#pipe.components.unet.call(unetInputs(this.#batch));
    return performance.now() - started;
  }

  async dispose() {
    await this.#pipe.dispose();
  }
}

/** Runs the comparison and returns its rows: label, load, median seconds per pass, memory. */
async function compare(engines, rounds, warmUp) {
  const rows = [];
  for (const engine of engines) {
    const load = await engine.load();
    rows.push({ engine, load, passes: [], watch: watchMemory(engine.pid) });
  }
  for (let round = 0; round < warmUp + rounds; round++) {
    for (const row of rows) {
      const milliseconds = await row.engine.run();
      if (round >= warmUp) row.passes.push(milliseconds);
      process.stderr.write(
        `${row.engine.label}: ${(milliseconds / 1000).toFixed(2)} s${round < warmUp ? ' (warm-up)' : ''}\n`,
      );
      await sleep(500);
    }
  }
  for (const row of rows) {
    row.watch.stop();
    row.most = { ...row.watch.most, peak: readProcessMemory(row.engine.pid).peak };
    await row.engine.dispose();
  }
  return rows;
}

/** `npm run bench -- unet [--checkpoint DIR] [--batch N] [--rounds N] [--only plain,chunked,fused]` */
export async function benchUnet(args) {
  const { values } = parseArgs({
    args,
    options: {
      checkpoint: { type: 'string' },
      batch: { type: 'string', default: '1' },
      rounds: { type: 'string', default: '5' },
      'warm-up': { type: 'string', default: '2' },
      only: { type: 'string', default: 'plain,chunked,fused' },
    },
  });
  const checkpoint = sd15Checkpoint('f32', values.checkpoint);
  const batch = Number(values.batch);
  const engines = {
    plain: () => new PlainEngine(checkpoint, batch),
    chunked: () => new ThimbleEngine('thimble, plain attention in chunks', checkpoint, batch),
    fused: () =>
      new ThimbleEngine('thimble, fused attention', checkpoint, batch, [new MemoryEfficientAttentionPlugin()]),
  };
  const rows = await compare(
    values.only.split(',').map((name) => engines[name]()),
    Number(values.rounds),
    Number(values['warm-up']),
  );
  const [base] = rows;
  const ratio = (value, reference) =>
    reference === 0
      ? ''
      : ` (×${value / reference < 0.1 ? (value / reference).toPrecision(2) : (value / reference).toFixed(2)})`;
  console.log(
    `SD 1.5 UNet, 512×512, batch ${batch}, f32 files; medians of ${values.rounds} interleaved passes. ${describeMachine()}\n`,
  );
  console.log(
    markdownTable(
      ['', 'load', 's per pass', 'peak anonymous', 'peak resident'],
      rows.map(({ engine, load, passes, most }) => [
        engine.label,
        `${(load / 1000).toFixed(2)} s${ratio(load, base.load)}`,
        `${(median(passes) / 1000).toFixed(2)}${ratio(median(passes), median(base.passes))}`,
        `${Math.round(most.anonymous / MB)} MB${ratio(most.anonymous, base.most.anonymous)}`,
        `${Math.round(most.peak / MB)} MB${ratio(most.peak, base.most.peak)}`,
      ]),
    ),
  );
}
