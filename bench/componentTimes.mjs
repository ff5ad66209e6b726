// SD 1.5's components at full size with random weights, 512×512: ways to compute one, in turn, each in a process of its own, beside plain onnxruntime-node on the same graph exported whole.
import { MemoryEfficientAttentionPlugin } from '../packages/plugin-attention/dist/index.js';
import { Int8ComputePlugin } from '../packages/plugin-int8/dist/index.js';
import { compareEngines } from './compareEngines.mjs';
import { latentsLike } from './latentsLike.mjs';
import { PlainEngine } from './PlainEngine.mjs';
import { sd15Checkpoint } from './randomCheckpoint.mjs';
import { median } from './statistics.mjs';
import { ThimbleEngine } from './ThimbleEngine.mjs';
import { unetInputs } from './unetInputs.mjs';

/** What is computed. */
export const TASKS = {
  unet: { label: 'UNet, batch 1', component: 'unet', entry: 'call', inputs: unetInputs(1) },
  cfg: { label: 'UNet, batch 2 (guidance)', component: 'unet', entry: 'call', inputs: unetInputs(2) },
  vae: { label: 'VAE decode', component: 'vae', entry: 'decode', inputs: { z: latentsLike([1, 4, 64, 64]) } },
};

function enginesFor(task, only) {
  const thimble = (label, dtype, plugins) => () => new ThimbleEngine(label, sd15Checkpoint(dtype), task, plugins());
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
  const rows = await compareEngines(enginesFor(task, only), { rounds, warmUp, what: `${task.label}, ` });
  return rows.map(({ engine, load, passes, most }) => ({
    label: engine.label,
    sample: engine.sample,
    load,
    seconds: median(passes) / 1000,
    most,
  }));
}
