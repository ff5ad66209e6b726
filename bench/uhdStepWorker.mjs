// node bench/uhdStepWorker.mjs CHECKPOINT WIDTH HEIGHT STEPS: one step of UniPC with SD 1.5's UNet, WIDTH×HEIGHT latents, without guidance, one
// submodule in memory at a time; prints what it took as a line of JSON. Meant to run under bench/limit.sh.
import { DiffusionPipeline, UniPCMultistepScheduler } from '../packages/core/dist/index.js';
import { MemoryEfficientAttentionPlugin } from '../packages/plugin-attention/dist/index.js';
import { SequentialOffloadPlugin } from '../packages/plugin-offload/dist/index.js';
import { unetInputs } from './unetInputs.mjs';

const [checkpoint, width, height, steps] = process.argv.slice(2);
const pipe = await DiffusionPipeline.fromPretrained(checkpoint, {
  components: ['unet'],
  plugins: [new SequentialOffloadPlugin(), new MemoryEfficientAttentionPlugin()],
});
const scheduler = new UniPCMultistepScheduler({
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: 'scaled_linear',
  steps_offset: 1,
});
scheduler.setTimesteps(Number(steps));
const [timestep] = scheduler.timesteps;
const inputs = unetInputs(1, { width: Number(width), height: Number(height) });

const started = performance.now();
const { sample } = await pipe.components.unet.call(inputs);
const called = performance.now();
const { prevSample } = scheduler.step(sample, timestep, inputs.sample);
const stepped = performance.now();
if (!prevSample.data.every(Number.isFinite)) throw new Error('the latents are not finite');
console.log(JSON.stringify({ pass: called - started, step: stepped - called, limit: pipe.memoryLimit }));
await pipe.dispose();
