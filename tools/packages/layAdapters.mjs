import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Image } from '../../packages/core/dist/index.js';
import { readTensor, SafetensorsFile } from '../../packages/core/dist/plugin.js';
import { writeGguf } from '../../packages/plugin-gguf/test/support/writeGguf.mjs';
import { testAdapterShapes, writeTestAdapter } from '../../packages/plugin-ip-adapter/test/writeTestAdapter.mjs';

const F32 = 0;

/** Puts an IP-Adapter with a picture, and the UNet of a checkpoint as GGUF, where READMEs look for them: beside the checkpoints of `folder`. */
export async function layAdapters(folder, checkpoint) {
  await writeTestAdapter(join(folder, 'models/IP-Adapter/models'), testAdapterShapes(), 'ip-adapter_sd15.safetensors');
  const style = new Image({ width: 16, height: 16, data: new Uint8Array(3 * 16 * 16).fill(99) });
  await style.save(join(folder, 'style.png'));
  const { tensors } = await SafetensorsFile.open(join(checkpoint, 'unet/diffusion_pytorch_model.safetensors'));
  const written = [];
  for (const [name, view] of tensors)
    written.push({ name, sizes: view.shape.toReversed(), type: F32, data: await readTensor(view) });
  await writeFile(join(folder, 'models/unet-Q4_0.gguf'), writeGguf({ tensors: written }));
}
