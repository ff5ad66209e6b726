// node bench/timelineWorker.mjs '{"checkpoint", "technique", "folder"}': one run of a technique, and what both processes hold meanwhile, as a line of JSON.
import { DiffusionPipeline } from '../packages/core/dist/index.js';
import { TECHNIQUES } from './techniques.mjs';

const INTERVAL = 50;
const STEPS = 2;

const { checkpoint, technique, folder } = JSON.parse(process.argv[2]);
const {
  count = 1,
  size = 512,
  memoryLimit = 'none',
  convolution = 'winograd',
  plugins = () => [],
  warm = false,
} = TECHNIQUES[technique];
const pipe = await DiffusionPipeline.fromPretrained(checkpoint, {
  variant: 'fp16',
  memoryLimit,
  convolution,
  scheduler: 'ddim',
  plugins: plugins(folder),
});
const options = { numInferenceSteps: STEPS, guidanceScale: 1, width: size, height: size, seed: 1 };
const prompts = Array(count).fill('a red fox in the snow');
if (warm) await pipe.generate(prompts, { ...options, numInferenceSteps: 1, outputType: 'latent' });

const began = performance.now();
const samples = [];
const calls = [];
const now = () => Math.round(performance.now() - began);
const sample = async () => {
  const at = now();
  const { main, device } = await pipe.memory();
  samples.push({
    at,
    main: main.anonymousBytes,
    device: device?.anonymousBytes ?? 0,
    mapped: main.fileBytes + (device?.fileBytes ?? 0),
  });
};
const timer = setInterval(() => void sample(), INTERVAL);
let called = 0;
pipe.hooks.beforeModelCall.tap('timeline', () => {
  called = now();
});
pipe.hooks.afterModelCall.tap(
  'timeline',
  ({ component }) => void calls.push({ name: component, from: called, to: now() }),
);
let sampled = 0;
pipe.hooks.afterStep.tap('timeline', () => {
  sampled = now();
});
await pipe.generate(prompts, options);
clearInterval(timer);
await sample();
// Decoding in pieces has no calls of the VAE as a whole.
const decoded = { name: 'vae', from: sampled, to: now() };
console.log(JSON.stringify({ samples, calls: [...calls.filter(({ name }) => name !== 'vae'), decoded] }));
await pipe.dispose();
