// SD 1.5's UNet at full size with random weights, and a random LoRA on all of its attention layers: beside them and merged.
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DiffusionPipeline, TorchGenerator } from '../packages/core/dist/index.js';
import { encodeFloat16, writeSafetensors } from '../packages/core/dist/plugin.js';
import { LoraPlugin } from '../packages/plugin-lora/dist/index.js';
import { likeness } from './likeness.mjs';
import { describeMachine } from './machine.mjs';
import { sd15Checkpoint } from './randomCheckpoint.mjs';
import { markdownTable, median } from './statistics.mjs';
import { unetInputs } from './unetInputs.mjs';

const MB = 2 ** 20;
const ATTENTION = /\.attn[12]\.to_(?:q|k|v|out\.0)\.weight$/;
/** Switches of the scale that are timed. */
const SWITCHES = 20;

const seconds = (milliseconds) => (milliseconds / 1000).toFixed(2);

/** A float16 file by diffusers' names; deltas of a tenth of the weights that they are added to. */
async function writeLora(checkpoint, file, rank) {
  const pipe = await DiffusionPipeline.fromPretrained(checkpoint, { components: ['unet'] });
  const { weights } = pipe.components.unet;
  const generator = new TorchGenerator(1);
  const random = (dims, scale) => ({
    dtype: 'F16',
    shape: dims,
    data: new Uint8Array(encodeFloat16(generator.randn(dims).data.map((value) => value * scale)).buffer),
  });
  const tensors = {};
  let layers = 0;
  for (const key of weights.keys()) {
    if (!ATTENTION.test(key)) continue;
    const [rows, columns] = weights.find(key).shape;
    const name = `unet.${key.replace(/\.weight$/, '')}`;
    tensors[`${name}.lora_A.weight`] = random([rank, columns], 1 / Math.sqrt(columns));
    tensors[`${name}.lora_B.weight`] = random([rows, rank], 0.1 / Math.sqrt(rank * columns));
    layers++;
  }
  await pipe.dispose();
  await writeSafetensors(file, tensors);
  return layers;
}

async function openWay(label, checkpoint, file, mode) {
  const pipe = await DiffusionPipeline.fromPretrained(checkpoint, { components: ['unet'] });
  const way = { label, pipe, unet: pipe.components.unet, makingMs: 0, milliseconds: [] };
  if (mode === undefined) return way;
  const plugin = new LoraPlugin([{ file, name: 'lora' }], { mode });
  const started = performance.now();
  await pipe.use(plugin);
  return { ...way, plugin, makingMs: performance.now() - started };
}

/** Milliseconds from asking for another scale until a pass computes with it, beside that pass itself. */
async function switchTimes({ plugin, unet }) {
  const times = [];
  for (let at = 0; at < SWITCHES; at++) {
    const started = performance.now();
    await plugin.setScales({ lora: at % 2 === 0 ? 0.5 : 1 });
    times.push(performance.now() - started);
  }
  const sessions = unet.segments.filter(({ loaded }) => !loaded).length;
  return { median: median(times), unloaded: sessions };
}

/** `npm run bench -- lora [--checkpoint DIR] [--passes N] [--rank N]` */
export async function benchLora(args) {
  const { values } = parseArgs({
    args,
    options: {
      checkpoint: { type: 'string' },
      passes: { type: 'string', default: '5' },
      rank: { type: 'string', default: '32' },
    },
  });
  const checkpoint = sd15Checkpoint('f16', values.checkpoint);
  const folder = mkdtempSync(join(tmpdir(), 'thimble-bench-lora-'));
  process.env.THIMBLE_CACHE = join(folder, 'cache');
  const ways = [];
  try {
    const file = join(folder, 'lora.safetensors');
    const layers = await writeLora(checkpoint, file, Number(values.rank));
    console.log(
      `SD 1.5, 512×512, f16 files; rank ${values.rank} on ${layers} attention layers, ${(statSync(file).size / MB).toFixed(1)} MB. ${describeMachine()}\n`,
    );
    ways.push(await openWay('without', checkpoint, file));
    ways.push(await openWay('branch', checkpoint, file, 'branch'));
    ways.push(await openWay('fuse', checkpoint, file, 'fuse'));
    for (let pass = 0; pass <= Number(values.passes); pass++) {
      for (const way of ways) {
        const started = performance.now();
        const { sample } = await way.unet.call(unetInputs(1));
        // The first one also makes the sessions.
        if (pass > 0) way.milliseconds.push(performance.now() - started);
        way.sample = sample.data;
      }
    }
    const [plain, branch, fuse] = ways;
    const time = median(plain.milliseconds);
    const rows = ways.map((way) => [
      way.label,
      seconds(median(way.milliseconds)),
      (median(way.milliseconds) / time).toFixed(3),
      `${(way.unet.residentBytes / MB).toFixed(1)} MB`,
      way === plain ? '' : seconds(way.makingMs),
      likeness(fuse.sample, way.sample).correlation.toFixed(5),
    ]);
    console.log(
      `UNet, batch 1, medians of ${values.passes} interleaved passes after a first one:\n\n${markdownTable(['LoRA', 's per pass', '× without', 'weights mapped', 's to install', 'correlation with fuse'], rows)}\n`,
    );
    const { median: switching, unloaded } = await switchTimes(branch);
    console.log(
      `Another scale, beside the layers: ${switching.toFixed(2)} ms (median of ${SWITCHES}); ${unloaded} segments had to be loaded again.`,
    );
    const started = performance.now();
    await branch.unet.call(unetInputs(1));
    console.log(`The pass after it: ${((performance.now() - started) / time).toFixed(3)} × one without a LoRA.`);
  } finally {
    for (const { pipe } of ways) await pipe.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}
