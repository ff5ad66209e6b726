import { expect, test } from '@jest/globals';
import { InlineDevice } from '../../src/device/InlineDevice.js';
import { MemoryBudget } from '../../src/device/MemoryBudget.js';
import type { OnnxModel } from '../../src/device/OnnxModel.js';
import { Component } from '../../src/execution/Component.js';
import { createHooks } from '../../src/hooks/manifest.js';
import { UNet2DConditionModel } from '../../src/models/UNet2DConditionModel.js';
import { openComponentCheckpoint } from '../../src/weights/ComponentCheckpoint.js';
import { fixturePath } from '../support/fixturePath.js';

const UNET = fixturePath('sd-tiny/unet');
/** The tokens of a picture of 8192×8192. */
const SIDE = 1024;

/** As within 96 MB, which would not have room for the values. */
class SmallPieces extends MemoryBudget {
  override get transientBytes(): number {
    return 4 * 2 ** 20;
  }
}

/** The tiny UNet over latents of some size, up to where its sessions would be made; what it would load. */
async function compile(
  side: number,
  signal?: AbortSignal,
): Promise<{ readonly bytes: number; readonly turns: number }> {
  const checkpoint = await openComponentCheckpoint(UNET);
  const device = new InlineDevice({ provider: 'cpu' });
  let bytes = 0;
  device.load = async (model: OnnxModel) => {
    bytes += model.bytes.length;
    return 0;
  };
  const stop = new Error('no run');
  device.run = async () => {
    throw stop;
  };
  const model = UNet2DConditionModel.fromConfig(checkpoint.config);
  const unet = new Component({
    name: 'unet',
    checkpoint,
    device,
    hooks: createHooks(),
    budget: new SmallPieces(),
    model,
  });
  const { inputs } = model.entries.call!;
  const sizes: Record<string, number> = { batch: 1, height: side, width: side, tokens: 77 };
  const tensors = Object.fromEntries(
    Object.entries(inputs)
      .filter(([, { optional }]) => optional !== true)
      .map(
        ([
          name,
          {
            types: [type],
            dims,
          },
        ]) => [name, { type, dims: dims.map((dim) => (typeof dim === 'number' ? dim : (sizes[dim] ?? 1))), data: [] }],
      ),
  );
  let turns = 0;
  const watch = setInterval(() => void turns++, 0);
  const options = signal === undefined ? {} : { signal };
  await unet.call(tensors as never, options).catch((error: unknown) => {
    if (error !== stop) throw error;
  });
  clearInterval(watch);
  return { bytes, turns };
}

test('the graphs of a picture with 256 times as many pixels are a few times as large, and made while others have their turn', async () => {
  const small = await compile(SIDE / 16);
  const large = await compile(SIDE);
  expect(large.bytes).toBeLessThan(8 * small.bytes);
  expect(large.turns).toBeGreaterThan(2);
});

test('an abort ends the making of graphs', async () => {
  const abort = new AbortController();
  setTimeout(() => abort.abort(new Error('enough')), 1);
  await expect(compile(SIDE / 2, abort.signal)).rejects.toThrow('enough');
});
