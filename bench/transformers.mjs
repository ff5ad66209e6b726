// A transformer at full size with random weights: passes against the arithmetic alone, with room and under hard memory limits, and whole runs. Each figure is kept when it is there, so that it can be
// measured in pieces.
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createDevice } from '../packages/core/dist/plugin.js';
import { measureArithmetic } from '../packages/planner/dist/time/measureArithmetic.js';
import { KeptFigures } from './KeptFigures.mjs';
import { limitedGenerate } from './limitedGenerate.mjs';
import { describeMachine } from './machine.mjs';
import { markdownTable, median } from './statistics.mjs';
import { underLimit } from './underLimit.mjs';

/** By which the runtime's rates are measured. */
const PRODUCT = { rows: 4096, inner: 3840, columns: 10_240, rounds: 5 };
const WORKER = fileURLToPath(new URL('./transformerWorker.mjs', import.meta.url));
/** Megabytes of a limit that is none: what passes take is counted all the same. */
const BEYOND = 2 ** 20;

const seconds = (milliseconds) => (milliseconds / 1000).toFixed(1);
const gigabytes = (megabytes) => `${(megabytes / 1024).toFixed(1)} GB`;
const limitText = (limit) => (limit === 'none' ? 'none' : `${limit} MB`);

/** The runtime's own rates, in this run. */
async function measureRates() {
  const device = createDevice({ provider: 'cpu' });
  try {
    return await measureArithmetic(device, PRODUCT);
  } finally {
    await device.dispose();
  }
}

/** Passes of the transformer: the first one makes the sessions, and is what counts where there is no other. */
async function measurePasses(checkpoint, { side, mode, limit, stored }, rounds, rates) {
  const command = [process.execPath, WORKER, checkpoint, side, mode, limit, String(rounds + 1), stored ?? checkpoint];
  const run = await underLimit(limit === 'none' ? BEYOND : Number(limit), command, { cold: limit !== 'none' });
  const [operations, ...passes] = run.lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  if (!run.ok || passes.length === 0) return { ok: false, said: run.lines.slice(-4).join(' ') };
  const later = passes.length > 1 ? passes.slice(1) : passes;
  return {
    ok: true,
    rates,
    milliseconds: median(later.map(({ milliseconds }) => milliseconds)),
    first: passes[0].milliseconds,
    read: median(later.map(({ read }) => read)),
    least: (operations.linear / rates[mode] + operations.attention / rates.float32) * 1000,
    peakAnonymous: run.peakAnonymous,
    main: Math.max(...passes.map(({ main }) => main)),
  };
}

async function measureRun(checkpoint, { size, limit }) {
  const options = { component: 'transformer', variant: null, scheduler: null, size, steps: 1, guided: false };
  return limitedGenerate(checkpoint, limit === 'none' ? BEYOND : Number(limit), options);
}

function passTable(pieces) {
  const rows = pieces.map(({ side, mode, limit, stored, result }) => {
    const what = [`${side}×${side}, ${mode}${stored === undefined ? '' : `, ${basename(stored)}`}`, limitText(limit)];
    if (!result.ok) return [...what, 'does not complete', '', '', '', '', ''];
    const { milliseconds, least, read, peakAnonymous, main } = result;
    return [
      ...what,
      seconds(milliseconds),
      seconds(least),
      `×${(milliseconds / least).toFixed(2)}`,
      gigabytes(read),
      `${peakAnonymous} MB`,
      `${Math.round(main)} MB`,
    ];
  });
  const head = [
    'a pass',
    'hard limit',
    's',
    'its multiplications alone, s',
    '',
    'read from disk',
    'peak anonymous',
    'main process',
  ];
  return markdownTable(head, rows);
}

function runTable(pieces) {
  const rows = pieces.map(({ size, limit, result: { ok, pass, decode, peakAnonymous, read } }) => [
    size,
    limitText(limit),
    ...(ok
      ? [seconds(pass), seconds(decode), `${peakAnonymous} MB`, gigabytes(read)]
      : ['does not complete', '', '', '']),
  ]);
  return markdownTable(
    ['picture', 'hard limit', 's for the step', 's for the VAE', 'peak anonymous', 'read, all'],
    rows,
  );
}

function piecesOf({ only, sides, modes, limits, stored, sizes, 'run-limits': runLimits }) {
  const parts = only.split(',');
  const product = (...lists) =>
    lists.reduce((all, list) => all.flatMap((each) => list.split(',').map((item) => [...each, item])), [[]]);
  return [
    ...(parts.includes('passes')
      ? product(sides, modes, limits).flatMap(([side, mode, limit]) =>
          [{}, ...stored.map((file) => ({ stored: file }))].map((as) => ({ kind: 'passes', side, mode, limit, ...as })),
        )
      : []),
    ...(parts.includes('runs')
      ? product(sizes, runLimits).map(([size, limit]) => ({ kind: 'runs', size, limit }))
      : []),
  ];
}

/**
 * `npm run bench -- transformers --checkpoint DIR [--only passes,runs] [--sides 512,1024] [--modes float32,int8] [--limits none,4096,2048,1024] [--rounds N] [--sizes 512x512] [--run-limits 1024,640]
 * [--minutes N] [--file FILE] [--again] [--stored FILE]`: what `--file` has already is not measured again, unless `--again`; after `--minutes` no other piece is begun.
 * `--stored`, once or more often: the same transformer stored otherwise, a checkpoint's folder or a GGUF file, whose passes come after those of the checkpoint itself.
 */
export async function benchTransformers(args) {
  const { values } = parseArgs({
    args,
    options: {
      checkpoint: { type: 'string' },
      only: { type: 'string', default: 'passes,runs' },
      sides: { type: 'string', default: '512,1024' },
      modes: { type: 'string', default: 'float32,int8' },
      limits: { type: 'string', default: 'none,4096,2048,1024' },
      rounds: { type: 'string', default: '1' },
      sizes: { type: 'string', default: '1024x1024' },
      'run-limits': { type: 'string', default: '1024,640' },
      stored: { type: 'string', multiple: true, default: [] },
      minutes: { type: 'string', default: 'Infinity' },
      file: { type: 'string' },
      again: { type: 'boolean', default: false },
    },
  });
  const { checkpoint, minutes, rounds, again } = values;
  if (checkpoint === undefined) {
    console.error('npm run bench -- transformers --checkpoint DIR: a checkpoint with a transformer, at full size');
    process.exitCode = 2;
    return;
  }
  const kept = new KeptFigures(values.file ?? `out/bench/transformers-${basename(checkpoint)}.json`, { again });
  const end = performance.now() + Number(minutes) * 60_000;
  const pieces = piecesOf(values);
  let rates;
  for (const piece of pieces) {
    const { kind, ...what } = piece;
    const key = JSON.stringify(piece);
    if (kept.of(key) !== undefined || performance.now() > end) continue;
    process.stderr.write(`${kind} ${Object.values(what).join(', ')}: `);
    if (kind === 'passes') rates ??= await measureRates();
    const result =
      kind === 'passes'
        ? await measurePasses(checkpoint, piece, Number(rounds), rates)
        : await measureRun(checkpoint, piece);
    kept.keep(key, result);
    process.stderr.write(
      `${result.ok ? `${seconds(result.milliseconds ?? result.pass)} s` : `does not complete: ${result.said ?? ''}`}\n`,
    );
  }
  const measured = pieces.flatMap((piece) => {
    const result = kept.of(JSON.stringify(piece));
    return result === undefined ? [] : [{ ...piece, result }];
  });
  print(checkpoint, measured);
  const left = pieces.length - measured.length;
  if (left > 0) console.log(`\n${left} of ${pieces.length} pieces are left: the same command goes on with them.`);
}

function print(checkpoint, measured) {
  const [passes, runs] = ['passes', 'runs'].map((kind) => measured.filter((piece) => piece.kind === kind));
  console.log(`${basename(checkpoint)}, random weights. ${describeMachine()}\n`);
  if (passes.length > 0) {
    const rates = passes.findLast(({ result }) => result.ok)?.result.rates;
    if (rates !== undefined)
      console.log(
        `Rates beside the last of them: float32 ${(rates.float32 / 1e9).toFixed(1)}, int8 ${(rates.int8 / 1e9).toFixed(1)} thousand million multiplications with an addition a second.\n`,
      );
    console.log(`${passTable(passes)}\n`);
  }
  if (runs.length > 0)
    console.log(
      `The whole command line (text, one step without guidance, VAE), cold disk, both processes and the page cache within the limit:\n\n${runTable(runs)}`,
    );
}
