// The 4K example of diffusers' guide (UniPC, 20 steps, 3840×2224): one step of SD 1.5 at full size, random weights, f16 files, under a hard memory limit.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.mjs';
import { sd15Checkpoint } from './randomCheckpoint.mjs';
import { markdownTable } from './statistics.mjs';
import { underLimit } from './underLimit.mjs';

const WORKER = fileURLToPath(new URL('uhdStepWorker.mjs', import.meta.url));
const SCALE = 8;

const minutes = (milliseconds) => (milliseconds / 60_000).toFixed(1);

async function measure(checkpoint, { width, height }, limit, steps) {
  const command = [process.execPath, WORKER, checkpoint, String(width / SCALE), String(height / SCALE), String(steps)];
  const { lines, ok, peakAnonymous, peakTotal } = await underLimit(limit, command, { cold: true });
  const report = lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line))[0];
  if (!ok || report === undefined)
    throw new Error(`${width}×${height} does not complete within ${limit} MB:\n${lines.slice(-12).join('\n')}`);
  process.stderr.write(
    `${width}×${height}: ${(report.pass / 1000).toFixed(1)} s a pass, ${peakAnonymous} MB anonymous, ${peakTotal} MB in all\n`,
  );
  return { ...report, width, height, peakAnonymous, peakTotal };
}

/** `npm run bench -- uhd-step`: one UNet pass and one step of UniPC, and what all steps would take; a smaller `--size` for a quick look. */
export async function benchUhdStep(args) {
  const { values } = parseArgs({
    args,
    options: {
      checkpoint: { type: 'string' },
      size: { type: 'string', default: '3840x2224' },
      limit: { type: 'string', default: '2048' },
      steps: { type: 'string', default: '20' },
    },
  });
  const checkpoint = sd15Checkpoint('f16', values.checkpoint);
  const [width, height] = values.size.split('x').map(Number);
  const [limit, steps] = [Number(values.limit), Number(values.steps)];
  console.log(`${describeMachine()}\n`);
  const { pass, step, peakAnonymous, peakTotal } = await measure(checkpoint, { width, height }, limit, steps);
  console.log(`One step without guidance within ${limit} MB, page cache and both processes included, cold disk:\n`);
  const row = [
    `${width}×${height}`,
    `${(pass / 1000).toFixed(0)} s`,
    `${(step / 1000).toFixed(2)} s`,
    `${peakAnonymous} MB`,
    `${peakTotal} MB`,
  ];
  console.log(`${markdownTable(['picture', 'UNet pass', "UniPC's step", 'peak anonymous', 'peak total'], [row])}\n`);
  console.log(
    `${steps} steps at this pace: ${minutes(pass * steps)} minutes without guidance, ${minutes(2 * pass * steps)} with.`,
  );
}
