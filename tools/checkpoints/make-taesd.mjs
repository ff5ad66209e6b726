// node tools/checkpoints/make-taesd.mjs OUT_DIR: a full-size TAESD (`AutoencoderTiny`) in diffusers' layout with random weights, f32, 9.8 MB.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelRegistry } from '../../packages/core/dist/model.js';
import { makePool, writeRandomTensors } from './randomWeights.mjs';

/** The class's own defaults are TAESD's sizes. */
const CONFIG = { _class_name: 'AutoencoderTiny' };

/** Makes the checkpoint. */
export function makeTaesd(out) {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'config.json'), JSON.stringify(CONFIG, null, 2));
  const { parameters } = modelRegistry.AutoencoderTiny.fromConfig(CONFIG, CONFIG._class_name);
  const tensors = Object.fromEntries(parameters.map(({ key, shape }) => [key, shape]));
  writeRandomTensors(join(out, 'diffusion_pytorch_model.safetensors'), tensors, 'F32', makePool());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv[2] === undefined) throw new Error('name the folder to make');
  makeTaesd(process.argv[2]);
}
