// node bench/videoWorker.mjs JOB: one step of CogVideoX's transformer as a line of JSON tells it, one block in memory at a time; prints what it took
// as another one. Meant to run under bench/limit.sh.
import { CogVideoXDDIMScheduler, DiffusionPipeline, Tensor, TorchGenerator } from '../packages/core/dist/index.js';
import { MemoryEfficientAttentionPlugin } from '../packages/plugin-attention/dist/index.js';
import { LayerwiseCastingPlugin } from '../packages/plugin-fp8/dist/index.js';
import { SequentialOffloadPlugin } from '../packages/plugin-offload/dist/index.js';

const { checkpoint, storage, attention, batch, steps, latentFrames, height, width } = JSON.parse(process.argv[2]);
const plugins = [new SequentialOffloadPlugin()];
if (attention !== 'chunks') plugins.push(new MemoryEfficientAttentionPlugin({ backend: attention }));

const opened = performance.now();
const pipe = await DiffusionPipeline.fromPretrained(checkpoint, { plugins });
// Makes the weights, where they are not in the cache.
if (storage !== 'f16')
  await pipe.use(new LayerwiseCastingPlugin({ storageDtype: storage === 'f8' ? 'float8_e4m3fn' : 'int8' }));
const { transformer } = pipe.components;
const made = performance.now();
const scheduler = new CogVideoXDDIMScheduler({
  prediction_type: 'v_prediction',
  timestep_spacing: 'trailing',
  rescale_betas_zero_snr: true,
});
scheduler.setTimesteps(steps);
const [timestep] = scheduler.timesteps;
const generator = new TorchGenerator(0);
const { in_channels: channels, text_embed_dim: textWidth, max_text_seq_length: tokens } = transformer.config;
const latents = generator.randn([1, latentFrames, channels, height, width]);
const repeated = Float32Array.from({ length: batch * latents.size }, (_, i) => latents.data[i % latents.size]);

const blocks = [];
const blockStarts = new Map();
pipe.hooks.beforeSegment.tap('bench', ({ segment }) => void blockStarts.set(segment, performance.now()));
pipe.hooks.afterSegment.tap('bench', ({ segment }) => {
  if (segment.startsWith('transformer_blocks.')) blocks.push(performance.now() - blockStarts.get(segment));
});
const started = performance.now();
const { sample } = await transformer.call({
  hidden_states: new Tensor('float32', repeated, [batch, ...latents.dims.slice(1)]),
  encoder_hidden_states: generator.randn([batch, tokens, textWidth]),
  timestep: new Tensor('int64', BigInt64Array.of(BigInt(timestep)), [1]),
});
const called = performance.now();
const { prevSample } = scheduler.step(
  new Tensor('float32', sample.data.slice(0, latents.size), latents.dims),
  timestep,
  latents,
);
const stepped = performance.now();
if (!sample.data.every(Number.isFinite) || !prevSample.data.every(Number.isFinite))
  throw new Error('the latents are not finite');
console.log(
  JSON.stringify({
    making: made - opened,
    pass: called - started,
    step: stepped - called,
    blocks,
    limit: pipe.memoryLimit,
    bytes: transformer.segments.reduce((sum, { bytes }) => sum + bytes, 0),
  }),
);
await pipe.dispose();
