import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { makeControlNet } from '../tools/checkpoints/make-controlnet.mjs';
import { makeSd15 } from '../tools/checkpoints/make-sd15.mjs';
import { makeTaesd } from '../tools/checkpoints/make-taesd.mjs';

/** The folder of a full-size SD 1.5 checkpoint with random weights, f16 or f32; made if it is not there. */
export function sd15Checkpoint(dtype, folder = join(tmpdir(), `thimble-sd15-${dtype}`)) {
  return madeOnce(folder, (checkpoint) => makeSd15(checkpoint, dtype));
}

/** The same of SDXL, f16. */
export async function sdxlCheckpoint(folder = join(tmpdir(), 'thimble-sdxl-f16')) {
  const { makeSdxl } = await import('../tools/checkpoints/make-sdxl.mjs');
  return madeOnce(folder, (checkpoint) => makeSdxl(checkpoint));
}

/** SDXL's UNet alone, f32: 10.3 GB. */
export async function sdxlUnetCheckpoint(folder = join(tmpdir(), 'thimble-sdxl-unet-f32')) {
  const { makeSdxl } = await import('../tools/checkpoints/make-sdxl.mjs');
  return madeOnce(folder, (checkpoint) => makeSdxl(checkpoint, 'f32', ['unet']));
}

/** A full-size TAESD, f32. */
export function taesdCheckpoint(folder = join(tmpdir(), 'thimble-taesd')) {
  return madeOnce(folder, (checkpoint) => makeTaesd(checkpoint));
}

/** A ControlNet for SD 1.5, f16 or f32. */
export function controlNetCheckpoint(dtype, folder = join(tmpdir(), `thimble-controlnet-${dtype}`)) {
  return madeOnce(folder, (checkpoint) => makeControlNet(checkpoint, dtype));
}

function madeOnce(folder, make) {
  const checkpoint = resolve(folder);
  if (existsSync(checkpoint)) return checkpoint;
  process.stderr.write(`making a full-size checkpoint with random weights in ${checkpoint}\n`);
  make(checkpoint);
  return checkpoint;
}
