// SD 1.5's UNet at full size with random weights: how weights are stored, what that saves, and what it costs.
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DiffusionPipeline } from '../packages/core/dist/index.js';
import {
  applyLayerwiseCasting,
  DEFAULT_SKIP_MODULES_PATTERN,
  LayerwiseCastingPlugin,
  STORAGE_DTYPES,
} from '../packages/plugin-fp8/dist/index.js';
import { GgufPlugin } from '../packages/plugin-gguf/dist/index.js';
import { Int8ComputePlugin } from '../packages/plugin-int8/dist/index.js';
import { makeGguf } from '../tools/checkpoints/make-gguf.mjs';
import { likeness } from './likeness.mjs';
import { limitedGenerate } from './limitedGenerate.mjs';
import { describeMachine } from './machine.mjs';
import { sd15Checkpoint } from './randomCheckpoint.mjs';
import { markdownTable, median } from './statistics.mjs';
import { unetInputs } from './unetInputs.mjs';

const MB = 2 ** 20;

const seconds = (milliseconds) => (milliseconds / 1000).toFixed(2);

function bytesInCache(folder) {
  if (!existsSync(join(folder, 'weights'))) return 0;
  return readdirSync(join(folder, 'weights'))
    .filter((name) => name.endsWith('.safetensors'))
    .reduce((sum, name) => sum + statSync(join(folder, 'weights', name)).size, 0);
}

/** A pipeline of its own for each way, so that their passes can be interleaved. */
async function openWay(checkpoint, storageDtype, cache) {
  const pipe = await DiffusionPipeline.fromPretrained(checkpoint, { components: ['unet'] });
  const { unet } = pipe.components;
  const way = {
    label: storageDtype ?? 'float16',
    pipe,
    unet,
    castBytes: 0,
    fileBytes: 0,
    makingMs: 0,
    milliseconds: [],
    sample: undefined,
  };
  if (storageDtype === undefined) return way;
  const before = bytesInCache(cache);
  const started = performance.now();
  const { stored } = await applyLayerwiseCasting(unet, {
    storageDtype,
    skipModulesPattern: DEFAULT_SKIP_MODULES_PATTERN,
  });
  return {
    ...way,
    makingMs: performance.now() - started,
    castBytes: stored.reduce((sum, key) => sum + unet.checkpoint.tensors.get(key).byteLength, 0),
    fileBytes: bytesInCache(cache) - before,
  };
}

/** The UNet from a GGUF file whose matrices are in blocks. */
async function openGguf(checkpoint, type, computeType, cache) {
  const file = join(cache, `unet-${type}.gguf`);
  const folder = join(checkpoint, 'unet');
  const source = readdirSync(folder).find((name) => name.endsWith('.safetensors'));
  if (!existsSync(file)) await makeGguf(join(folder, source), file, type);
  const before = bytesInCache(cache);
  const plugins = [new GgufPlugin({ computeType })];
  const pipe = await DiffusionPipeline.fromPretrained(file, { config: folder, plugins });
  const pass = async () => {
    const started = performance.now();
    await pipe.components.unet.call(unetInputs(1));
    return performance.now() - started;
  };
  // The first call makes what the others find.
  const makingMs = (await pass()) - (await pass());
  const fileBytes = bytesInCache(cache) - before;
  const { unet } = pipe.components;
  const castBytes = [...unet.weights.keys()]
    .map((key) => unet.weights.find(key))
    .filter(({ dtype }) => dtype === type)
    .reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 2), 0);
  return {
    label: `GGUF ${type}, ${computeType}`,
    pipe,
    unet,
    castBytes,
    fileBytes,
    makingMs,
    milliseconds: [],
    sample: undefined,
  };
}

async function passTimes(checkpoint, cache, passes) {
  const ways = [];
  try {
    for (const storageDtype of [undefined, ...STORAGE_DTYPES])
      ways.push(await openWay(checkpoint, storageDtype, cache));
    for (const type of ['Q8_0', 'Q4_0'])
      for (const computeType of ['dequantize', 'matmul_nbits'])
        ways.push(await openGguf(checkpoint, type, computeType, cache));
    for (let pass = 0; pass <= passes; pass++) {
      for (const way of ways) {
        const started = performance.now();
        const { sample } = await way.unet.call(unetInputs(1));
        // The first one also makes the sessions.
        if (pass > 0) way.milliseconds.push(performance.now() - started);
        way.sample = sample.data;
      }
    }
    const [plain] = ways;
    const rows = ways.map((way) => {
      const castResident = way.castBytes - (plain.unet.residentBytes - way.unet.residentBytes);
      const share = (bytes) =>
        way === plain || !bytes ? '' : `${Math.round(bytes / MB)} MB (${(bytes / way.castBytes).toFixed(3)})`;
      const time = median(way.milliseconds);
      return [
        way.label,
        seconds(time),
        (time / median(plain.milliseconds)).toFixed(2),
        share(way.fileBytes),
        share(castResident),
        `${Math.round(way.unet.residentBytes / MB)} MB`,
        likeness(plain.sample, way.sample).correlation.toFixed(4),
        way === plain || !way.fileBytes ? '' : seconds(way.makingMs),
      ];
    });
    console.log(
      `UNet, batch 1, medians of ${passes} interleaved passes after a first one; in brackets, to the same layers in f16:\n`,
    );
    console.log(
      `${markdownTable(['weights stored as', 's per pass', '× f16', 'cast layers on disk', 'cast layers mapped', 'all weights mapped', 'correlation with f16', 's to make, once'], rows)}\n`,
    );
  } finally {
    for (const { pipe } of ways) await pipe.dispose();
  }
}

/** One row of the table: the whole command line under a hard limit, weights in the cache already. */
async function limitedRun(checkpoint, flags, limit) {
  const { ok, pass, decode, peakAnonymous, peakTotal } = await limitedGenerate(checkpoint, limit, { flags });
  const label = flags.join(' ') || 'f16';
  process.stderr.write(`${label} within ${limit} MB: ${ok ? `${seconds(pass)} s a pass` : 'not enough'}\n`);
  return [
    label,
    `${limit} MB`,
    ...(ok
      ? [seconds(pass), seconds(decode), `${peakAnonymous} MB`, `${peakTotal} MB`]
      : ['does not complete', '', '', '']),
  ];
}

/** What the command line is asked for, and the plugin that makes its weights. */
const WAYS = {
  fp8: { flags: ['--fp8'], plugin: () => new LayerwiseCastingPlugin() },
  e5m2: { flags: ['--fp8', 'e5m2'], plugin: () => new LayerwiseCastingPlugin({ storageDtype: 'float8_e5m2' }) },
  'int8-weights': { flags: ['--int8-weights'], plugin: () => new LayerwiseCastingPlugin({ storageDtype: 'int8' }) },
  int8: { flags: ['--int8'], plugin: () => new Int8ComputePlugin() },
  f16: { flags: [] },
};

/** What is measured is running, not making. */
async function makeWeights(checkpoint, { plugin }) {
  if (plugin === undefined) return;
  const pipe = await DiffusionPipeline.fromPretrained(checkpoint, { components: ['unet', 'vae'] });
  await pipe.use(plugin());
  await pipe.dispose();
}

/** `npm run bench -- storage [--checkpoint DIR] [--passes N] [--limits MB,…] [--only passes,limits] [--ways fp8,e5m2,int8-weights,int8,f16]` */
export async function benchStorage(args) {
  const { values } = parseArgs({
    args,
    options: {
      checkpoint: { type: 'string' },
      passes: { type: 'string', default: '5' },
      limits: { type: 'string', default: '160' },
      only: { type: 'string', default: 'passes,limits' },
      ways: { type: 'string', default: Object.keys(WAYS).join(',') },
    },
  });
  const checkpoint = sd15Checkpoint('f16', values.checkpoint);
  console.log(`SD 1.5, 512×512, f16 files. ${describeMachine()}\n`);
  const cache = mkdtempSync(join(tmpdir(), 'thimble-bench-cache-'));
  process.env.THIMBLE_CACHE = cache;
  try {
    const parts = values.only.split(',');
    if (parts.includes('passes')) await passTimes(checkpoint, cache, Number(values.passes));
    if (!parts.includes('limits')) return;
    const ways = values.ways.split(',').map((name) => WAYS[name]);
    for (const way of ways) await makeWeights(checkpoint, way);
    const rows = [];
    for (const limit of values.limits.split(','))
      for (const { flags } of ways) rows.push(await limitedRun(checkpoint, flags, Number(limit)));
    console.log(
      'The whole run with guidance, `--offload sequential --vae-tiling`, both processes and the page cache within the limit, cold disk:\n',
    );
    console.log(
      markdownTable(['', 'hard limit', 's per UNet pass', 's for the VAE', 'peak anonymous', 'peak total'], rows),
    );
  } finally {
    rmSync(cache, { recursive: true, force: true });
  }
}
