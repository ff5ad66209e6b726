// The trained demo model in int8: pictures of 100 prompts beside those in float32, what the judge of models/demo/train says of both, and the VAE by itself.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DiffusionPipeline } from '../packages/core/dist/index.js';
import { DEFAULT_KEEP, Int8ComputePlugin } from '../packages/plugin-int8/dist/index.js';
import { DEMO, DEMO_RUN, drawDemo, judged, likenessCells, psnr } from './demoPictures.mjs';
import { describeMachine } from './machine.mjs';
import { markdownTable, median } from './statistics.mjs';

/** Ways to compute in int8; every layer, however small, unless it says otherwise. */
const WAYS = {
  unet: { label: 'UNet', options: { components: ['unet'] } },
  vae: { label: 'VAE', options: { components: ['vae'] } },
  both: { label: 'UNet and VAE', options: { components: ['unet', 'vae'] } },
  default: { label: 'UNet and VAE, layers that gain (the default)', options: { minimumOperations: undefined } },
  everything: { label: 'UNet and VAE, nothing kept in float32', options: { keep: [] } },
  attention: {
    label: 'UNet, attention kept in float32',
    options: { components: ['unet'], keep: [...DEFAULT_KEEP, 'attn'] },
  },
  feedForward: {
    label: 'UNet, feed-forward kept in float32',
    options: { components: ['unet'], keep: [...DEFAULT_KEEP, '\\.ff\\.'] },
  },
  text: { label: 'text encoder', options: { components: ['text_encoder'], keep: [] } },
};

/** Latents of finished pictures. */
async function finishedLatents(pipe, count) {
  const latents = [];
  for (let seed = 0; seed < count; seed++)
    latents.push(
      (
        await pipe.generate('a fox on a blue background', {
          ...DEMO_RUN,
          seed,
          outputType: 'latent',
        })
      ).images,
    );
  return latents;
}

async function decodeAll(pipe, latents) {
  const images = [];
  for (const one of latents) images.push((await pipe.decodeLatents(one))[0]);
  return images;
}

/** `npm run bench -- int8-quality [--count N] [--ways unet,vae,…]` */
export async function benchInt8Quality(args) {
  const { values } = parseArgs({
    args,
    options: { count: { type: 'string', default: '100' }, ways: { type: 'string', default: Object.keys(WAYS).join() } },
  });
  const count = Number(values.count);
  const cache = mkdtempSync(join(tmpdir(), 'thimble-bench-cache-'));
  process.env.THIMBLE_CACHE = cache;
  const pipe = await DiffusionPipeline.fromPretrained(DEMO);
  try {
    const plain = await drawDemo(pipe, count);
    const latents = await finishedLatents(pipe, 10);
    const decoded = await decodeAll(pipe, latents);
    const rows = [['float32', '', '', '', ...judged(plain)]];
    for (const name of values.ways.split(',')) {
      const { label, options } = WAYS[name];
      const plugin = await pipe.use(new Int8ComputePlugin({ minimumOperations: 0, force: true, ...options }));
      const drawn = await drawDemo(pipe, count);
      const vae = await decodeAll(pipe, latents);
      await plugin.remove();
      const vaeOnly = median(vae.map((image, i) => psnr(image.data, decoded[i].data)));
      rows.push([
        label,
        ...likenessCells(drawn, plain),
        Number.isFinite(vaeOnly) ? vaeOnly.toFixed(1) : '',
        ...judged(drawn),
      ]);
      process.stderr.write(`${rows.at(-1).join('  ')}\n`);
    }
    console.log(
      `The demo model, ${count} prompts, ${DEMO_RUN.numInferenceSteps} steps; PSNR of the pictures against those in float32, and of the VAE alone on latents made in float32. ${describeMachine()}\n`,
    );
    console.log(
      markdownTable(
        ['in int8', 'median PSNR', 'least PSNR', 'VAE alone', 'backgrounds right', 'things right', 'mean error'],
        rows,
      ),
    );
  } finally {
    await pipe.dispose();
    rmSync(cache, { recursive: true, force: true });
  }
}
