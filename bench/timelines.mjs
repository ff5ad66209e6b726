import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { drawTimeline } from './drawTimeline.mjs';
import { describeMachine } from './machine.mjs';
import { mergeSection } from './mergeSection.mjs';
import { sd15Checkpoint } from './randomCheckpoint.mjs';
import { TECHNIQUES } from './techniques.mjs';

const WORKER = fileURLToPath(new URL('./timelineWorker.mjs', import.meta.url));
const PICTURES = new URL('../docs/images/timelines/', import.meta.url);
const DATA = new URL('timelines.json', PICTURES);
const PAGE = new URL('../docs/techniques/README.md', import.meta.url);
/** Points on the time axis that are kept of a run. */
const MOST_POINTS = 160;
const MB = 2 ** 20;

/**
 * Measures what each technique makes of the memory of a run, and draws it: docs/images/timelines. `--only` names techniques, `--checkpoint` a folder of SD 1.5 in
 * float16, `--draw` draws what was measured before.
 */
export async function benchTimelines(args) {
  const { values } = parseArgs({
    args,
    options: { only: { type: 'string' }, checkpoint: { type: 'string' }, draw: { type: 'boolean' } },
  });
  const data = JSON.parse(await readFile(DATA, 'utf8').catch(() => '{"runs":{}}'));
  if (!values.draw) await measure(data, values);
  for (const [name, { label, against }] of Object.entries(TECHNIQUES)) {
    const run = data.runs[name];
    const plain = data.runs[against];
    if (run !== undefined && plain !== undefined)
      await writeFile(new URL(`${name}.svg`, PICTURES), drawTimeline({ label, run, plain }));
  }
  writeTable(data);
}

async function measure(data, { only, checkpoint: given }) {
  const checkpoint = sd15Checkpoint('f16', given);
  const folder = await mkdtemp(join(tmpdir(), 'thimble-timelines-'));
  try {
    for (const technique of only?.split(',') ?? Object.keys(TECHNIQUES)) {
      process.stderr.write(`${technique}\n`);
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [WORKER, JSON.stringify({ checkpoint, technique, folder })],
        { maxBuffer: 64 * MB },
      );
      const { samples, calls } = JSON.parse(stdout.trim().split('\n').at(-1));
      data.machine = describeMachine();
      data.runs[technique] = { samples: thin(samples), calls };
      await writeFile(DATA, `${JSON.stringify(data)}\n`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The highest of every few samples, so that no peak is lost. */
function thin(samples) {
  const size = Math.ceil(samples.length / MOST_POINTS);
  const total = ({ main, device }) => main + device;
  return Array.from({ length: Math.ceil(samples.length / size) }, (_, i) =>
    samples.slice(i * size, (i + 1) * size).reduce((a, b) => (total(b) > total(a) ? b : a)),
  );
}

const most = (numbers) => `${Math.round(Math.max(...numbers) / MB)} MB`;

/** The table of docs/techniques/README.md, between its marks. */
function writeTable({ machine, runs }) {
  const rows = Object.entries(TECHNIQUES).flatMap(([name, { label, count = 1, size = 512 }]) => {
    const run = runs[name];
    if (run === undefined) return [];
    const during = (component) => run.calls.filter((call) => call.name === component);
    const within = (spans) =>
      run.samples
        .filter(({ at }) => spans.some(({ from, to }) => at >= from && at <= to))
        .map(({ main, device }) => main + device);
    return [
      `| ${label === 'nothing' ? 'nothing' : `\`${label}\``} | ${count === 1 ? '' : `${count} × `}${size}×${size} | ${most(within(during('unet')))} | ${most(within(during('vae')))} | ${most(run.samples.map(({ mapped }) => mapped))} |`,
    ];
  });
  const table = [
    `\`npm run bench -- timelines\`: SD 1.5 at full size (random weights), f16 files, two steps without guidance. ${machine}`,
    '',
    '| with | pictures | anonymous, UNet | anonymous, VAE | mapped files |',
    '| --- | --- | ---: | ---: | ---: |',
    ...rows,
  ].join('\n');
  mergeSection('timelines', table, PAGE);
}
