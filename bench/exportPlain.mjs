import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AutoencoderKL, exportOnnx, UNet2DConditionModel } from '../packages/core/dist/index.js';
import { openComponentCheckpoint } from '../packages/core/dist/model.js';
import { chunkedAttention } from '../packages/core/dist/plugin.js';

const MODELS = { unet: UNet2DConditionModel, vae: AutoencoderKL };

/**
 * Writes a component's entry point as one ONNX file beside its weights, with unfused attention and nothing split: what plain onnxruntime-node is
 * given. The file is removed when the result is disposed.
 */
export async function exportPlain(checkpoint, component, entry, inputs) {
  const opened = await openComponentCheckpoint(join(checkpoint, component));
  const shapes = Object.fromEntries(Object.entries(inputs).map(([name, { type, dims }]) => [name, { type, dims }]));
  const { bytes, folder } = exportOnnx(MODELS[component].fromConfig(opened.config), opened, entry, shapes, {
    attention: chunkedAttention(Infinity),
    widenBudget: Infinity,
  });
  const path = join(folder, `.thimble-bench-${process.pid}.onnx`);
  writeFileSync(path, bytes);
  return { path, remove: () => rmSync(path, { force: true }) };
}
