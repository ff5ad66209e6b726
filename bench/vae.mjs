// SD 1.5's VAE at full size with random weights, f16 files: slicing and tiling under hard memory limits.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DiffusionPipeline } from '../packages/core/dist/index.js';
import { VaeTilingPlugin } from '../packages/plugin-vae-tiling/dist/index.js';
import { latentsLike } from './latentsLike.mjs';
import { describeMachine } from './machine.mjs';
import { sd15Checkpoint } from './randomCheckpoint.mjs';
import { markdownTable, median } from './statistics.mjs';
import { underLimit } from './underLimit.mjs';

const WORKER = fileURLToPath(new URL('vaeWorker.mjs', import.meta.url));
const NO_LIMIT = 20480;

/** Sizes in latents; the modes with their limits in MB. */
const CASES = {
  512: {
    label: '512×512',
    height: 64,
    width: 64,
    rounds: 3,
    runs: [
      ['plain', NO_LIMIT],
      ['whole', NO_LIMIT],
      ['seamless', NO_LIMIT],
      ['seamless', 500],
      ['seamless', 192],
      ['shared', 192],
      ['blend', 192],
    ],
  },
  1024: {
    label: '1024×1024',
    height: 128,
    width: 128,
    rounds: 1,
    runs: [
      ['plain', NO_LIMIT],
      ['whole', NO_LIMIT],
      ['seamless', NO_LIMIT],
      ['seamless', 500],
      ['shared', 500],
      ['blend', 500],
    ],
  },
  '4k': {
    label: '3840×2224',
    height: 278,
    width: 480,
    rounds: 1,
    runs: [
      ['seamless', 500],
      ['shared', 500],
    ],
  },
  encode4k: {
    label: '3840×2224, encoding',
    entry: 'encode',
    height: 278,
    width: 480,
    rounds: 1,
    runs: [['seamless', 500]],
  },
  batch: { label: '32 of 512×512', height: 64, width: 64, count: 32, rounds: 1, runs: [['seamless', 500]] },
};

async function measure(checkpoint, { label, runs, ...size }) {
  const rows = [];
  const folder = mkdtempSync(join(tmpdir(), 'thimble-bench-'));
  try {
    for (const [mode, limit] of runs) {
      const job = JSON.stringify({ checkpoint, mode, ...size, picture: join(folder, 'picture.png') });
      const { lines, ok, peakAnonymous, peakTotal } = await underLimit(limit, [process.execPath, WORKER, job]);
      const all = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line).milliseconds / 1000);
      process.stderr.write(
        `${label} ${mode} within ${limit} MB: ${ok ? all.map((time) => time.toFixed(1)).join(', ') : lines.slice(-6).join(' ')}\n`,
      );
      rows.push({
        label,
        mode,
        limit,
        time: ok ? median(all.length > 1 ? all.slice(1) : all) : undefined,
        peakAnonymous,
        peakTotal,
      });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const base = rows.find(({ mode }) => mode === 'whole') ?? rows[0];
  return rows.map(({ label: name, mode, limit, time, peakAnonymous, peakTotal }) => [
    name,
    { plain: 'onnxruntime-node, whole', whole: 'thimble, whole' }[mode] ?? mode,
    limit === NO_LIMIT ? 'none' : `${limit} MB`,
    ...(time === undefined
      ? ['does not complete', '', '']
      : [`${time.toFixed(1)} (×${(time / base.time).toFixed(2)})`, `${peakAnonymous} MB`, `${peakTotal} MB`]),
  ]);
}

/** How much more two columns or rows differ across a border of tiles than elsewhere: 1 = no seam. */
function seamMetric({ dims: [, channels, height, width], data }, period) {
  const [at, elsewhere] = [
    { sum: 0, count: 0 },
    { sum: 0, count: 0 },
  ];
  for (let plane = 0; plane < channels; plane++) {
    for (let y = 0; y < height; y++) {
      for (let x = 1; x < width; x++) {
        const i = (plane * height + y) * width + x;
        const kind = x % period === 0 ? at : elsewhere;
        kind.sum += Math.abs(data[i] - data[i - 1]);
        kind.count++;
      }
    }
  }
  return at.sum / at.count / (elsewhere.sum / elsewhere.count);
}

/** How far each mode is from the whole picture, and whether its tiles can be seen. `side` in latents, `tile` in pixels. */
async function quality(checkpoint, side, tile) {
  const z = latentsLike([1, 4, side, side]);
  const pipe = await DiffusionPipeline.fromPretrained(checkpoint, {
    components: ['vae'],
    variant: 'fp16',
    memoryLimit: 'none',
  });
  const { vae } = pipe.components;
  const { sample: whole } = await vae.decode({ z });
  const period = tile * 0.75;
  const rows = [['whole', '', '', seamMetric(whole, period).toFixed(3)]];
  for (const options of [
    { mode: 'seamless', budget: '250MB' },
    { mode: 'shared', tileSampleMinSize: tile },
    { mode: 'blend', tileSampleMinSize: tile },
  ]) {
    const handle = await pipe.use(new VaeTilingPlugin(options));
    const { sample } = await vae.decode({ z });
    await handle.remove();
    let [most, squares] = [0, 0];
    for (let i = 0; i < sample.data.length; i++) {
      const off = Math.abs(sample.data[i] - whole.data[i]);
      most = Math.max(most, off);
      squares += off * off;
    }
    rows.push([
      options.mode,
      most.toExponential(1),
      Math.sqrt(squares / sample.data.length).toExponential(1),
      seamMetric(sample, period).toFixed(3),
    ]);
    process.stderr.write(`${rows.at(-1).join('  ')}\n`);
  }
  console.log(
    `\nDistance from the picture decoded whole, ${side * 8}×${side * 8}, and the seam metric: differences across the borders of tiles of ${tile} pixels over differences elsewhere.\n`,
  );
  console.log(markdownTable(['', 'largest', 'root mean square', 'seam metric'], rows));
  await pipe.dispose();
}

/** `npm run bench -- vae [--checkpoint DIR] [--only 512,1024,4k,encode4k,batch,quality,quality1024]` */
export async function benchVae(args) {
  const { values } = parseArgs({
    args,
    options: {
      checkpoint: { type: 'string' },
      only: { type: 'string', default: '512,1024,4k,encode4k,batch,quality,quality1024' },
    },
  });
  const checkpoint = sd15Checkpoint('f16', values.checkpoint);
  const parts = values.only.split(',');
  console.log(
    `SD 1.5's VAE, f16 files, decoded pictures written as PNG; both processes and the page cache within the limit; × = to thimble, whole. ${describeMachine()}\n`,
  );
  const rows = [];
  for (const part of parts) if (CASES[part] !== undefined) rows.push(...(await measure(checkpoint, CASES[part])));
  if (rows.length > 0) console.log(markdownTable(['', '', 'hard limit', 's', 'peak anonymous', 'peak total'], rows));
  if (parts.includes('quality')) await quality(checkpoint, 64, 256);
  if (parts.includes('quality1024')) await quality(checkpoint, 128, 512);
}
