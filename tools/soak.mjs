// Runs of all kinds, for a long time, with everything going wrong that can: npm run soak [-- --runs 1000] [--minutes N] [--processes 4] [--seed N] [--disk MB]. Processes share one cache on a small
// disk of their own; runs are aborted, children killed and the disk filled at random moments. What comes out has to be what a fresh run gives, memory must not grow, nothing may be left.
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { processesWith } from './soak/processes.mjs';

/** From the 100th run to the last one. */
const MOST_GROWTH = 0.05;
/** What is left by halves, or would have others wait. */
const RESTS = /\.tmp|\.lock$|\.lease$|thimble-|ballast/;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    minutes: { type: 'string', default: '60' },
    processes: { type: 'string', default: '4' },
    seed: { type: 'string' },
    disk: { type: 'string', default: '12' },
  },
});
const told = new Set();
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
const folder = mkdtempSync(join(tmpdir(), 'thimble-soak-'));
const disk = join(folder, 'disk');
mkdirSync(disk);
const isSmall = mountDisk();
try {
  console.log(
    `soak: seed ${seed}, ${values.runs} runs, ${values.processes} processes${isSmall ? `, a disk of ${values.disk} MB` : ', and no small disk: only root can have one'}`,
  );
  const started = performance.now();
  const expected = (await runProcess({ task: 'expect' })).expected;
  console.log(`${Object.keys(expected).length} cases, each run afresh`);
  const reports = await soakAll(expected);
  print(reports, performance.now() - started);
} finally {
  if (isSmall) execFileSync('umount', [disk]);
  rmSync(folder, { recursive: true, force: true });
}

function mountDisk() {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${values.disk}m`, 'tmpfs', disk], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** The first process does all runs and is measured; the others go on until it ends. */
async function soakAll(expected) {
  const others = new AbortController();
  const end = Date.now() + Number(values.minutes) * 60_000;
  const rest = Array.from({ length: Number(values.processes) - 1 }, async (_, i) =>
    runProcess({ task: 'soak', expected, seed: seed + i + 1, runs: null, isSmall }, others.signal),
  );
  const first = await runProcess({ task: 'soak', expected, seed, runs: Number(values.runs), end, isSmall });
  others.abort();
  return [first, ...(await Promise.all(rest))];
}

async function runProcess(plan, stop) {
  for (const name of ['tmp', 'cache']) mkdirSync(join(disk, name), { recursive: true });
  const child = fork(fileURLToPath(new URL('soak/run.mjs', import.meta.url)), {
    execArgv: ['--expose-gc'],
    env: {
      ...process.env,
      TMPDIR: join(disk, 'tmp'),
      THIMBLE_CACHE: join(disk, 'cache'),
      THIMBLE_CACHE_SIZE: `${Math.floor(Number(values.disk) / 2)}MB`,
      MALLOC_ARENA_MAX: '1',
    },
  });
  child.send({ ...plan, disk });
  stop?.addEventListener('abort', () => child.send('stop'));
  let report;
  child.on('message', (message) => {
    if (message.report === undefined)
      console.log(`${clock()} ${message.progress} runs, ${message.failures.length} failures, ${mb(message.bytes)} MB`);
    else ({ report } = message);
    for (const failure of message.failures ?? []) if (!told.has(failure)) console.error(failure);
    for (const failure of message.failures ?? []) told.add(failure);
  });
  const [code, signal] = await once(child, 'exit');
  if (report === undefined) throw new Error(`a process of the soak ended without a report: ${signal ?? code}`);
  return { ...report, code, signal };
}

function print(reports, ms) {
  const failures = reports.flatMap(({ failures: each }) => each);
  const outcomes = new Map();
  for (const report of reports)
    for (const [name, times] of Object.entries(report.outcomes)) outcomes.set(name, (outcomes.get(name) ?? 0) + times);
  for (const [name, times] of [...outcomes].toSorted(([, a], [, b]) => b - a))
    console.log(`${String(times).padStart(7)}  ${name}`);
  const { measured } = reports[0];
  for (const name of Object.keys(measured[0])) {
    const each = measured.map((bytes) => bytes[name]);
    const growth = each.at(-1) / each[0] - 1;
    const percent = `${(growth * 100).toFixed(1)} %`;
    console.log(`${name}, MB after each hundred runs: ${each.map(mb).join(', ')}; ${percent} from first to last`);
    if (growth > MOST_GROWTH) failures.push(`${name} grows by ${percent}`);
  }
  const left = readdirSync(disk, { recursive: true }).filter((name) => RESTS.test(name) || name.startsWith('tmp/'));
  if (left.length > 0) failures.push(`left on the disk: ${left.join(', ')}`);
  const processes = processesWith(disk);
  if (processes.length > 0) failures.push(`processes are left: ${processes.join(', ')}`);
  console.log(
    `${reports.map(({ runs }) => runs).join(' + ')} runs in ${(ms / 1000).toFixed(0)} s; ${failures.length} failures`,
  );
  for (const failure of failures.slice(0, 20)) console.error(failure);
  if (failures.length > 0) process.exitCode = 1;
}

function clock() {
  return new Date().toTimeString().slice(0, 8);
}

function mb(bytes) {
  return (bytes / 2 ** 20).toFixed(1);
}
