import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { underLimit } from './underLimit.mjs';

const CLI = fileURLToPath(new URL('../packages/thimble/dist/cli.js', import.meta.url));
const WORKER = fileURLToPath(new URL('plannerWorker.mjs', import.meta.url));

/** For the control group of a run without a limit, which has to count it all the same. */
const NO_LIMIT = 20_480;

/** What the command line begins with, too: space for young objects that stays as small as it starts, and a heap that is collected before it has doubled. */
const SMALL_HEAP = ['--semi-space-growth-factor=1', '--heap-growing-percent=30'];

/**
 * One picture under a hard limit of `limit` megabytes: by the command line, which plans by itself, or with `plugins` that are named.
 *
 * @returns {Promise<{ seconds?: number, peakAnonymous: number, peakTotal: number, said?: string }>} without seconds where it was killed or failed
 */
export async function plannerRun({ checkpoint, variant }, { limit, plugins, ...options }) {
  const command =
    plugins === undefined
      ? [process.execPath, CLI, ...flagsOf({ checkpoint, variant, limit, ...options })]
      : [process.execPath, ...SMALL_HEAP, WORKER, JSON.stringify({ checkpoint, variant, limit, plugins, ...options })];
  const { lines, ok, peakAnonymous, peakTotal } = await underLimit(limit ?? NO_LIMIT, command, { cold: true });
  rmSync(PICTURES, { recursive: true, force: true });
  const seconds = ok ? secondsOf(lines) : undefined;
  if (seconds !== undefined) return { seconds, peakAnonymous, peakTotal };
  return { peakAnonymous, peakTotal, said: lines.slice(-4).join('\n').slice(-400) };
}

const PICTURES = join(tmpdir(), `thimble-bench-${process.pid}`);

function flagsOf({ checkpoint, variant, limit, width, height, guidanceScale, numImagesPerPrompt }) {
  const values = {
    '--model': checkpoint,
    '--memory': `${limit}MB`,
    '--size': `${width}x${height}`,
    '--guidance': guidanceScale,
    '--count': numImagesPerPrompt,
    '--steps': 1,
    '--seed': 1,
    '--output': `${PICTURES}/`,
    ...(variant === undefined ? {} : { '--variant': variant }),
  };
  return ['generate', 'a red fox in the snow', '--json', ...Object.entries(values).flat().map(String)];
}

/** Both say it in an object of their own. */
function secondsOf(lines) {
  const found = lines.findLast((line) => line.startsWith('{"type":"done"') || line.startsWith('{"seconds"'));
  if (found === undefined) return undefined;
  const { seconds, timings } = JSON.parse(found);
  return seconds ?? timings.total / 1000;
}
