// node bench/vaeWorker.mjs '{"checkpoint", "mode", "height", "width", "count", "rounds", "picture"}': decodes latents by SD 1.5's VAE, or encodes a
// picture with "entry": "encode", sizes in latents, and prints the milliseconds of each round as a line of JSON. Meant to run under bench/limit.sh.
import { createRequire } from 'node:module';
import { DiffusionPipeline, Tensor } from '../packages/core/dist/index.js';
import { VaeSlicingPlugin } from '../packages/plugin-vae-slicing/dist/index.js';
import { VaeTilingPlugin } from '../packages/plugin-vae-tiling/dist/index.js';
import { exportPlain } from './exportPlain.mjs';
import { latentsLike } from './latentsLike.mjs';

const { checkpoint, entry, mode, height, width, count = 1, rounds = 1, picture } = JSON.parse(process.argv[2]);
const z = entry === 'encode' ? undefined : latentsLike([count, 4, height, width]);
const decode = entry === 'encode' ? await openEncoder() : mode === 'plain' ? await openPlain() : await openThimble();
for (let round = 0; round < rounds; round++) {
  const started = performance.now();
  await decode();
  console.log(JSON.stringify({ milliseconds: performance.now() - started }));
}
process.exit();

/** From pixels to the parameters of latents. */
async function openEncoder() {
  const pipe = await openVae();
  const dims = [count, 3, height * 8, width * 8];
  // Without a tensor of noise beside it, which would count.
  const data = new Float32Array(dims.reduce((a, b) => a * b));
  for (let i = 0; i < data.length; i++) data[i] = 0.7 * Math.sin(i / 19) + 0.3 * Math.cos(i * 12.9898);
  return async () => pipe.vae.encode({ x: new Tensor('float32', data, dims) });
}

async function openVae() {
  const plugins = { whole: [], slicing: [new VaeSlicingPlugin()] }[mode] ?? [
    new VaeSlicingPlugin(),
    new VaeTilingPlugin({ mode }),
  ];
  return DiffusionPipeline.fromPretrained(checkpoint, { components: ['vae'], plugins, variant: 'fp16' });
}

/** From latents to pictures in files. */
async function openThimble() {
  const pipe = await openVae();
  const scaled = new Tensor(
    'float32',
    z.data.map((x) => x * 0.18215),
    z.dims,
  );
  return async () => {
    const images = await pipe.decodeLatents(scaled);
    for (const [i, image] of images.entries())
      if (picture !== undefined) await image.save(picture.replace('.', `-${i}.`));
  };
}

async function openPlain() {
  const ort = createRequire(new URL('../packages/core/package.json', import.meta.url))('onnxruntime-node');
  const { path, remove } = await exportPlain(checkpoint, 'vae', 'decode', { z });
  const session = await ort.InferenceSession.create(path).finally(remove);
  const feeds = { z: new ort.Tensor('float32', z.data, z.dims) };
  return async () => session.run(feeds);
}
