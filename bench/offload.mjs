// SD 1.5 at 512×512, or SDXL at 1024×1024, full size with random weights, f16 files, under hard memory limits.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { DiffusionPipeline } from '../packages/core/dist/index.js';
import { ModelOffloadPlugin, SequentialOffloadPlugin } from '../packages/plugin-offload/dist/index.js';
import { limitedGenerate } from './limitedGenerate.mjs';
import { describeMachine } from './machine.mjs';
import { readProcessMemory } from './memory.mjs';
import { sd15Checkpoint, sdxlCheckpoint } from './randomCheckpoint.mjs';
import { markdownTable, median } from './statistics.mjs';
import { underLimit } from './underLimit.mjs';

const MB = 2 ** 20;
const WORKER = fileURLToPath(new URL('passWorker.mjs', import.meta.url));
const DEMO = fileURLToPath(new URL('../models/demo', import.meta.url));
const NO_LIMIT = 16384;

const seconds = (milliseconds) => (milliseconds / 1000).toFixed(1);

/** A whole run of the command line: text encoder, steps, tiled decoding; `options` as in {@link limitedGenerate}. */
async function wholeRun(checkpoint, limit, cold, options = {}) {
  const { ok, pass, decode, peakAnonymous, peakTotal } = await limitedGenerate(checkpoint, limit, { cold, ...options });
  const { steps = 2, guided = true } = options;
  const what = `${limit} MB, ${cold ? 'cold' : 'warm'}, ${steps} ${steps === 1 ? 'step' : 'steps'} ${guided ? 'with' : 'without'} guidance`;
  process.stderr.write(`${what}: ${ok ? `${seconds(pass)} s a pass, ${peakAnonymous} MB anonymous` : 'not enough'}\n`);
  return {
    label: what,
    ok,
    cells: ok
      ? [seconds(pass), seconds(decode), `${peakAnonymous} MB`, `${peakTotal} MB`]
      : ['does not complete', '', '', ''],
  };
}

async function wholeRuns(checkpoint, smallest) {
  const rows = [
    await wholeRun(checkpoint, 256, true),
    await wholeRun(checkpoint, 192, true),
    await wholeRun(checkpoint, 192, false),
  ];
  for (let limit = 176; limit >= smallest; limit -= 16) {
    const row = await wholeRun(checkpoint, limit, true);
    rows.push(row);
    if (!row.ok) break;
  }
  printWholeRuns(rows);
}

/** One step without guidance within each limit, from the largest down, until one is not enough; then two steps with guidance within the last that was. */
async function sdxlRuns(checkpoint, limits) {
  const size = '1024x1024';
  const rows = [];
  let least;
  for (const limit of limits) {
    rows.push(await wholeRun(checkpoint, limit, true, { size, steps: 1, guided: false }));
    if (!rows.at(-1).ok) break;
    least = limit;
  }
  if (least !== undefined) rows.push(await wholeRun(checkpoint, least, true, { size }));
  printWholeRuns(rows);
}

function printWholeRuns(rows) {
  console.log(
    'The whole run (text encoders, steps, VAE in tiles), `--offload sequential --vae-tiling`, both processes and the page cache within the limit:\n',
  );
  console.log(
    `${markdownTable(
      ['hard limit', 's per UNet pass', 's for the VAE', 'peak anonymous', 'peak total'],
      rows.map(({ label, cells }) => [label, ...cells]),
    )}\n`,
  );
}

async function passTime(checkpoint, mode, limit, passes) {
  const { lines, ok } = await underLimit(limit, [process.execPath, WORKER, checkpoint, mode, String(passes)], {
    cold: true,
  });
  const all = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line).milliseconds);
  process.stderr.write(`${mode} within ${limit} MB: ${ok ? all.map(seconds).join(', ') : 'not enough'}\n`);
  return ok ? { first: all[0], steady: median(all.slice(1)) } : undefined;
}

async function passTimes(checkpoint, passes) {
  const limits = [4096, 1024, 512, 256, 192];
  const plain = await passTime(checkpoint, 'plain', NO_LIMIT, passes);
  const cell = (time) =>
    time === undefined ? 'does not complete' : `${seconds(time.steady)} (×${(time.steady / plain.steady).toFixed(2)})`;
  const rows = [];
  for (const [mode, label] of [
    ['none', 'thimble, no plugin'],
    ['model', 'ModelOffloadPlugin'],
    ['sequential', 'SequentialOffloadPlugin'],
  ]) {
    const cells = [];
    for (const limit of limits) cells.push(cell(await passTime(checkpoint, mode, limit, passes)));
    rows.push([label, ...cells]);
  }
  const again = await passTime(checkpoint, 'plain', NO_LIMIT, passes);
  console.log(
    `Seconds per UNet pass, batch 1, steady state, one after the other on a cold disk; × = to plain onnxruntime-node without a limit, ${seconds(plain.steady)} s before and ${seconds(again.steady)} s after the others:\n`,
  );
  console.log(`${markdownTable(['', ...limits.map((limit) => `${limit} MB`)], rows)}\n`);
}

/** Anonymous memory of both processes after each of ten runs. */
async function tenRuns() {
  const rows = [];
  for (const plugin of [undefined, new ModelOffloadPlugin(), new SequentialOffloadPlugin()]) {
    const pipe = await DiffusionPipeline.fromPretrained(DEMO, { plugins: plugin === undefined ? [] : [plugin] });
    const after = [];
    try {
      for (let run = 0; run < 10; run++) {
        await pipe.generate('a red apple on a blue background', {
          numInferenceSteps: 10,
          guidanceScale: 1.5,
          seed: run,
        });
        globalThis.gc?.();
        const { pid } = pipe.device;
        after.push(
          readProcessMemory(process.pid).anonymous + (pid === undefined ? 0 : readProcessMemory(pid).anonymous),
        );
      }
    } finally {
      await pipe.dispose();
    }
    rows.push([
      plugin?.name ?? 'no plugin',
      ...[0, 4, 9].map((i) => `${Math.round(after[i] / MB)} MB`),
      `${((100 * (after[9] - after[0])) / after[0]).toFixed(1)} %`,
    ]);
  }
  console.log('Anonymous memory of both processes after runs in a row of the demo model:\n');
  console.log(markdownTable(['', 'after the 1st', 'after the 5th', 'after the 10th', 'growth'], rows));
}

/** `npm run bench -- memory [--model sd15|sdxl] [--checkpoint DIR] [--limits MB,MB] [--passes N] [--smallest MB] [--only whole,passes,runs]` */
export async function benchOffload(args) {
  const { values } = parseArgs({
    args,
    options: {
      model: { type: 'string', default: 'sd15' },
      limits: { type: 'string', default: '2048,1024,512,384,288,256,224' },
      checkpoint: { type: 'string' },
      passes: { type: 'string', default: '3' },
      smallest: { type: 'string', default: '128' },
      only: { type: 'string', default: 'whole,passes,runs' },
    },
  });
  if (values.model === 'sdxl') {
    const checkpoint = await sdxlCheckpoint(values.checkpoint);
    console.log(`SDXL, 1024×1024, f16 files. ${describeMachine()}\n`);
    return sdxlRuns(checkpoint, values.limits.split(',').map(Number));
  }
  const checkpoint = sd15Checkpoint('f16', values.checkpoint);
  console.log(`SD 1.5, 512×512, f16 files. ${describeMachine()}\n`);
  const parts = values.only.split(',');
  if (parts.includes('whole')) await wholeRuns(checkpoint, Number(values.smallest));
  if (parts.includes('passes')) await passTimes(checkpoint, Number(values.passes));
  if (parts.includes('runs')) await tenRuns();
}
