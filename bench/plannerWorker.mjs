// One picture under a memory limit, by the planner or by plugins that are named; prints what it took as one JSON object.
import { DiffusionPipeline } from '../packages/core/dist/index.js';
import { MemoryPlannerPlugin } from '../packages/planner/dist/index.js';
import { MemoryEfficientAttentionPlugin } from '../packages/plugin-attention/dist/index.js';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '../packages/plugin-offload/dist/index.js';
import { VaeSlicingPlugin } from '../packages/plugin-vae-slicing/dist/index.js';

const PLUGINS = {
  planner: () => new MemoryPlannerPlugin(),
  'model offload': () => new ModelOffloadPlugin(),
  'sequential offload': () => new SequentialOffloadPlugin(),
  'pictures decoded one by one': () => new VaeSlicingPlugin(),
  'fused attention': () => new MemoryEfficientAttentionPlugin(),
};

const { checkpoint, variant, limit, plugins, ...options } = JSON.parse(process.argv[2]);
const pipe = await DiffusionPipeline.fromPretrained(checkpoint, {
  ...(variant === undefined ? {} : { variant }),
  memoryLimit: limit === undefined ? 'none' : limit * 2 ** 20,
  plugins: plugins.map((name) => PLUGINS[name]()),
  onProgress: () => undefined,
});
const started = performance.now();
const { memory } = await pipe.generate('a red fox in the snow', { numInferenceSteps: 1, seed: 1, ...options });
const seconds = (performance.now() - started) / 1000;
const bytes = memory.peak.main.anonymousBytes + (memory.peak.device?.anonymousBytes ?? 0);
console.log(JSON.stringify({ seconds, bytes, plugins: pipe.plugins.map(({ name }) => name) }));
await pipe.dispose();
