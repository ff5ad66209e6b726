// SD 1.5's components at full size with random weights, 512×512: ways to compute one, in turn, each in a process of its own, beside plain onnxruntime-node on the same graph exported whole.
import { setTimeout as sleep } from 'node:timers/promises';
import { DiffusionPipeline } from '../packages/core/dist/index.js';
import { MemoryEfficientAttentionPlugin } from '../packages/plugin-attention/dist/index.js';
import { Int8ComputePlugin } from '../packages/plugin-int8/dist/index.js';
import { latentsLike } from './latentsLike.mjs';
import { readProcessMemory, watchMemory } from './memory.mjs';
import { PlainEngine } from './PlainEngine.mjs';
import { sd15Checkpoint } from './randomCheckpoint.mjs';
import { median } from './statistics.mjs';
import { unetInputs } from './unetInputs.mjs';

/** What is computed. */
export const TASKS = {
  unet: { label: 'UNet, batch 1', component: 'unet', entry: 'call', inputs: unetInputs(1) },
  cfg: { label: 'UNet, batch 2 (guidance)', component: 'unet', entry: 'call', inputs: unetInputs(2) },
  vae: { label: 'VAE decode', component: 'vae', entry: 'decode', inputs: { z: latentsLike([1, 4, 64, 64]) } },
};

/** One component in a pipeline of its own. */
class ThimbleEngine {
  sample;
  #options;
  #pipe;

  constructor(options) {
    this.#options = options;
  }

  get label() {
    return this.#options.label;
  }

  /** Weights in the cache already: what is measured is loading them. */
  async load() {
    const {
      checkpoint,
      task: { component },
      plugins,
    } = this.#options;
    const started = performance.now();
    this.#pipe = await DiffusionPipeline.fromPretrained(checkpoint, { components: [component] });
    for (const plugin of plugins()) await this.#pipe.use(plugin);
    await this.#pipe.components[component].load();
    return performance.now() - started;
  }

  get pid() {
    return this.#pipe.device.pid;
  }

  get residentBytes() {
    return this.#pipe.components[this.#options.task.component].residentBytes;
  }

  async run() {
    const { component, entry, inputs } = this.#options.task;
    const started = performance.now();
    const { sample } = await this.#pipe.components[component].invoke(entry, inputs);
    this.sample = sample.data;
    return performance.now() - started;
  }

  async dispose() {
    await this.#pipe.dispose();
  }
}

function enginesFor(task, only) {
  const thimble = (label, dtype, plugins) => () =>
    new ThimbleEngine({ label, task, plugins, checkpoint: sd15Checkpoint(dtype) });
  const engines = {
    plain: () => new PlainEngine(sd15Checkpoint('f32'), undefined, task),
    chunked: thimble('thimble, f32', 'f32', () => []),
    f32: thimble('thimble, f32, flash attention', 'f32', () => [new MemoryEfficientAttentionPlugin()]),
    f16: thimble('thimble, f16, flash attention', 'f16', () => [new MemoryEfficientAttentionPlugin()]),
    int8: thimble('thimble, int8', 'f16', () => [new Int8ComputePlugin()]),
  };
  return only.map((name) => engines[name]());
}

/** Each way of `only`, { label, sample, load, seconds, most }, where `seconds` is the median of `rounds` passes after `warmUp`, and `sample` the output, which plain onnxruntime-node keeps to itself. */
export async function measureTask(task, { only, rounds, warmUp }) {
  const rows = [];
  try {
    for (const engine of enginesFor(task, only))
      rows.push({ engine, load: await engine.load(), times: [], watch: watchMemory(engine.pid) });
    for (let round = 0; round < warmUp + rounds; round++) {
      for (const row of rows) {
        const milliseconds = await row.engine.run();
        if (round >= warmUp) row.times.push(milliseconds);
        process.stderr.write(
          `${task.label}, ${row.engine.label}: ${(milliseconds / 1000).toFixed(2)} s${round < warmUp ? ' (warm-up)' : ''}\n`,
        );
        await sleep(200);
      }
    }
    return rows.map(({ engine, load, times, watch }) => ({
      label: engine.label,
      sample: engine.sample,
      load,
      seconds: median(times) / 1000,
      most: { ...watch.most, peak: readProcessMemory(engine.pid).peak },
    }));
  } finally {
    for (const { engine, watch } of rows) {
      watch.stop();
      await engine.dispose();
    }
  }
}
