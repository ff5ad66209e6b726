// node tools/checkpoints/make-controlnet.mjs OUT_DIR [f16|f32]: a full-size ControlNet for Stable Diffusion 1.5 in diffusers' layout with random weights; their names and
// shapes are those of thimble's model, which the tests hold against diffusers'. 0.7 GB in f16.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ControlNetModel } from '../../packages/plugin-controlnet/dist/index.js';
import { makePool, writeRandomTensors } from './randomWeights.mjs';

/** The class's own defaults are the sizes of those for Stable Diffusion 1.5, but for the text's. */
const CONFIG = { _class_name: 'ControlNetModel', cross_attention_dim: 768 };

/** Makes the checkpoint. */
export function makeControlNet(out, dtype = 'f16') {
  const half = dtype === 'f16';
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'config.json'), JSON.stringify(CONFIG, null, 2));
  const { parameters } = ControlNetModel.fromConfig(CONFIG);
  const tensors = Object.fromEntries(parameters.map(({ key, shape }) => [key, shape]));
  const file = `diffusion_pytorch_model${half ? '.fp16' : ''}.safetensors`;
  writeRandomTensors(join(out, file), tensors, half ? 'F16' : 'F32', makePool());
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [out, dtype] = process.argv.slice(2);
  if (out === undefined) throw new Error('name the folder to make');
  makeControlNet(out, dtype);
}
