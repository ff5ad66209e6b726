// From `thimble generate` to the first step: SD 1.5 at full size with random weights, in fresh processes, files in the page cache.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.mjs';
import { sd15Checkpoint } from './randomCheckpoint.mjs';
import { markdownTable, median } from './statistics.mjs';

const CLI = fileURLToPath(new URL('../packages/thimble/dist/cli.js', import.meta.url));
const PLUGIN = fileURLToPath(new URL('./startPhases.mjs', import.meta.url));
const PHASES = {
  imported: 'command line imported',
  opening: 'opening begins',
  opened: 'opened',
  'first load asked': 'first segment asked for',
  'first session': 'first session made',
  'text encoder runs': 'text encoder runs',
  'first step': 'first step',
  'UNet runs': "UNet's first pass",
};

/** `npm run bench -- start [--rounds N] [--f16 DIR] [--f32 DIR] [--file FILE.safetensors]`; `--file` adds one in a single file. */
export async function benchStart(args) {
  const { values } = parseArgs({
    args,
    options: {
      rounds: { type: 'string', default: '7' },
      f16: { type: 'string' },
      f32: { type: 'string' },
      file: { type: 'string' },
    },
  });
  const ways = {
    f16: ['--model', sd15Checkpoint('f16', values.f16), '--variant', 'fp16'],
    f32: ['--model', sd15Checkpoint('f32', values.f32)],
    ...(values.file === undefined ? {} : { 'single file': ['--model', values.file] }),
  };
  const folder = mkdtempSync(join(tmpdir(), 'thimble-bench-start-'));
  try {
    const samples = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
    for (const way of Object.values(ways)) start(way, folder);
    for (let round = 0; round < Number(values.rounds); round++)
      for (const [name, way] of Object.entries(ways)) samples[name].push(start(way, folder));
    report(samples, values.rounds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function start(way, folder) {
  const file = join(folder, 'phases.json');
  const args = [CLI, 'generate', 'a red apple on a table', ...way, '--seed', '1', '--output', join(folder, 'x.png')];
  const { stderr } = spawnSync(process.execPath, [...args, '--use', PLUGIN], {
    encoding: 'utf8',
    env: { ...process.env, THIMBLE_START_PHASES: file, THIMBLE_START_BEGAN: String(Date.now()) },
  });
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new Error(`the UNet did not begin to run: ${stderr}`, { cause });
  } finally {
    rmSync(file, { force: true });
  }
}

function report(samples, rounds) {
  console.log(
    `\`npm run bench -- start\`: SD 1.5, 512×512, milliseconds since \`thimble generate\` was called, files in the page cache; medians of ${rounds} fresh processes, in turn. ${describeMachine()}\n`,
  );
  const rows = Object.entries(PHASES).map(([phase, label]) => [
    label,
    ...Object.values(samples).map((runs) => median(runs.map((run) => run[phase])).toFixed(0)),
  ]);
  console.log(markdownTable(['', ...Object.keys(samples)], rows));
}
