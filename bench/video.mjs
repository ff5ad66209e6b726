// CogVideoX's transformer at full size with random weights: one step under a hard memory limit, and what all steps would take.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeCogVideoX } from '../tools/checkpoints/make-cogvideox.mjs';
import { describeMachine } from './machine.mjs';
import { markdownTable, median } from './statistics.mjs';
import { underLimit } from './underLimit.mjs';

const WORKER = fileURLToPath(new URL('videoWorker.mjs', import.meta.url));
const SCALE = 8;
const FRAMES_PER_LATENT = 4;
const MB = 2 ** 20;

function checkpointOf(given, size, layers) {
  const folder = resolve(
    given ?? join(tmpdir(), `thimble-cogvideox-${size}-f16${layers === undefined ? '' : `-${layers}`}`),
  );
  if (!existsSync(join(folder, 'config.json'))) {
    process.stderr.write(`making a full-size transformer with random weights in ${folder}\n`);
    makeCogVideoX(folder, size, 'f16', layers);
  }
  return folder;
}

async function measure(job, limit) {
  const { lines, ok, peakAnonymous, peakTotal } = await underLimit(
    limit,
    [process.execPath, WORKER, JSON.stringify(job)],
    { cold: true },
  );
  const report = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))[0];
  if (!ok || report === undefined)
    throw new Error(`${job.storage} does not complete within ${limit} MB:\n${lines.slice(-12).join('\n')}`);
  process.stderr.write(
    `${job.storage}: ${(report.pass / 1000).toFixed(1)} s a pass, ${peakAnonymous} MB anonymous, ${peakTotal} MB in all\n`,
  );
  return { ...report, peakAnonymous, peakTotal };
}

/**
 * `npm run bench -- video [--model 2b|5b] [--storage f8,int8,f16] [--attention flash|chunks|sliced|math] [--limit MB] [--size WxH] [--frames N] [--steps N] [--no-guidance]
 * [--layers N] [--checkpoint DIR]`: one step; fewer layers, or a smaller size, for a quick look.
 */
export async function benchVideo(args) {
  const { values } = parseArgs({
    args,
    options: {
      model: { type: 'string', default: '2b' },
      storage: { type: 'string', default: 'f8' },
      attention: { type: 'string', default: 'flash' },
      limit: { type: 'string', default: '2048' },
      size: { type: 'string', default: '720x480' },
      frames: { type: 'string', default: '49' },
      steps: { type: 'string', default: '50' },
      'no-guidance': { type: 'boolean', default: false },
      layers: { type: 'string' },
      checkpoint: { type: 'string' },
    },
  });
  const layers = values.layers === undefined ? undefined : Number(values.layers);
  const checkpoint = checkpointOf(values.checkpoint, values.model, layers);
  const [width, height] = values.size.split('x').map((pixels) => Number(pixels) / SCALE);
  const [steps, limit, batch] = [Number(values.steps), Number(values.limit), values['no-guidance'] ? 1 : 2];
  const latentFrames = Math.floor((Number(values.frames) - 1) / FRAMES_PER_LATENT) + 1;
  console.log(
    `CogVideoX-${values.model}'s transformer${layers === undefined ? '' : ` with ${layers} blocks`}, ${values.size}, ${values.frames} frames. ${describeMachine()}\n`,
  );
  const rows = [];
  for (const storage of values.storage.split(',')) {
    const { making, pass, step, blocks, bytes, peakAnonymous, peakTotal } = await measure(
      { checkpoint, storage, attention: values.attention, batch, steps, latentFrames, height, width },
      limit,
    );
    const hours = ((pass + step) * steps) / 3_600_000;
    rows.push([
      storage,
      values.attention,
      `${Math.round(bytes / MB)} MB`,
      `${(making / 1000).toFixed(0)} s`,
      `${(median(blocks) / 1000).toFixed(1)} s × ${blocks.length}`,
      `${(pass / 1000).toFixed(0)} s`,
      `${(step / 1000).toFixed(2)} s`,
      `${peakAnonymous} MB`,
      `${peakTotal} MB`,
      `${hours.toFixed(1)} h`,
    ]);
  }
  console.log(
    `One step ${batch === 1 ? 'without' : 'with'} guidance within ${limit} MB, sequential offload, page cache and both processes included, cold disk:\n`,
  );
  console.log(
    markdownTable(
      [
        'weights as',
        'attention',
        'weights',
        'to open and make, once',
        'a block',
        'a pass',
        "DDIM's step",
        'peak anonymous',
        'peak total',
        `${steps} steps`,
      ],
      rows,
    ),
  );
}
