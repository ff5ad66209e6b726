// node make-checkpoint.mjs FOLDER: writes the checkpoint. Nothing is trained: each word's shape and colour are set. After `npm run build`.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSafetensors } from '@thimble/core/plugin';
import { ShapeDenoiser } from './dist/src/index.js';

const GRID = 8;
const CONFIG = { _class_name: 'ShapeDenoiser', vocab_size: 9, sample_size: 32, grid_size: GRID };
/** From 0 to 2, because the canvas is black at -1. */
const COLOURS = { red: [2, 0, 0], green: [0, 2, 0], blue: [0, 0, 2], yellow: [2, 2, 0], white: [2, 2, 2] };
/** By the distance from the middle. */
const SHAPES = {
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) < 3,
  disc: (x, y) => Math.hypot(x, y) < 3,
  cross: (x, y) => Math.min(Math.abs(x), Math.abs(y)) < 1,
};
const WORDS = ['', ...Object.keys(COLOURS), ...Object.keys(SHAPES)];
const SOFTNESS = 1 / 9;
const GRAIN = 0.05;

const diagonal = (size, value) =>
  Array.from({ length: 9 * size }, (_, i) => (Math.floor(i / (3 * size)) === Math.floor(i / size) % 3 ? value : 0));
const values = {
  'painter.shape.weight': WORDS.flatMap((word) =>
    Array.from({ length: GRID ** 2 }, (_, i) => {
      const [x, y] = [(i % GRID) - (GRID - 1) / 2, Math.floor(i / GRID) - (GRID - 1) / 2];
      return SHAPES[word]?.(x, y) === true ? 1 : 0;
    }),
  ),
  'painter.colour.weight': WORDS.flatMap((word) => COLOURS[word] ?? [0, 0, 0]),
  'canvas.soften.weight': diagonal(9, SOFTNESS),
  'canvas.soften.bias': [-1, -1, -1],
  'canvas.grain.weight': diagonal(1, GRAIN),
  'canvas.grain.bias': [0, 0, 0],
};

const folder = process.argv[2] ?? 'checkpoint';
const write = async (path, json) => {
  await mkdir(join(folder, path, '..'), { recursive: true });
  await writeFile(join(folder, path), `${JSON.stringify(json, undefined, 2)}\n`);
};
await write('model_index.json', {
  _class_name: 'ShapesPipeline',
  denoiser: ['thimble-shapes', 'ShapeDenoiser'],
  scheduler: ['thimble-shapes', 'BlendScheduler'],
  tokenizer: ['thimble-shapes', 'WordTokenizer'],
});
await write('denoiser/config.json', CONFIG);
await write('scheduler/scheduler_config.json', { _class_name: 'BlendScheduler', num_train_timesteps: 1000 });
await write('tokenizer/words.json', WORDS);
const tensors = ShapeDenoiser.fromConfig(CONFIG).parameters.map(({ key, shape }) => [
  key,
  { dtype: 'F32', shape, data: new Uint8Array(Float32Array.from(values[key]).buffer) },
]);
await writeSafetensors(join(folder, 'denoiser/diffusion_pytorch_model.safetensors'), Object.fromEntries(tensors));
