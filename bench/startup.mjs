import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { describeMachine } from './machine.mjs';
import { markdownTable, median } from './statistics.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLI = fileURLToPath(new URL('../packages/thimble/dist/cli.js', import.meta.url));
const REPORT = 'process.stdout.write(String(process.memoryUsage.rss()))';
const importing = (entry) => ['--input-type=module', '-e', `import '${entry}'; ${REPORT}`];
/** What starts, in turn. */
const WAYS = {
  'bare node': ['--input-type=module', '-e', REPORT],
  '@thimble/core': importing('@thimble/core'),
  '@thimble/core/plugin': importing('@thimble/core/plugin'),
  '@thimble/core/model': importing('@thimble/core/model'),
  'thimble --help': [CLI, '--help'],
};
const GOALS = { '@thimble/core': { milliseconds: 150, megabytes: 20 }, 'thimble --help': { total: 250 } };

/** How long a fresh process takes to import core, and what memory: files in the page cache, ways in turn, medians. `--goals` fails where one is missed. */
export async function benchStartup(args) {
  const { values } = parseArgs({
    args,
    options: { rounds: { type: 'string', default: '15' }, goals: { type: 'boolean' } },
  });
  const samples = Object.fromEntries(Object.keys(WAYS).map((name) => [name, []]));
  for (const way of Object.values(WAYS)) start(way);
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [name, way] of Object.entries(WAYS)) samples[name].push(start(way));
  const rows = Object.entries(samples).map(([name, runs]) => ({
    name,
    milliseconds: median(runs.map(({ milliseconds }) => milliseconds)),
    bytes: median(runs.map(({ bytes }) => bytes)),
  }));
  const [bare] = rows;
  console.log(
    `\`npm run bench -- startup\`: fresh processes, medians of ${values.rounds}, in turn. ${describeMachine()}\n`,
  );
  const cells = rows.map(({ name, milliseconds, bytes }) => [
    name,
    milliseconds.toFixed(0),
    name === 'bare node' ? '' : `+${(milliseconds - bare.milliseconds).toFixed(0)}`,
    Number.isNaN(bytes) ? '' : (bytes / 1e6).toFixed(0),
    Number.isNaN(bytes) || name === 'bare node' ? '' : `+${((bytes - bare.bytes) / 1e6).toFixed(1)}`,
  ]);
  console.log(markdownTable(['', 'ms', 'above node', 'MB resident', 'above node'], cells));
  if (values.goals) checkGoals(rows, bare);
}

function start(args) {
  const started = performance.now();
  const { stdout, status, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  const milliseconds = performance.now() - started;
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}: ${stderr}`);
  return { milliseconds, bytes: /^\d+$/.test(stdout) ? Number(stdout) : NaN };
}

function checkGoals(rows, bare) {
  for (const { name, milliseconds, bytes } of rows) {
    const { milliseconds: most = Infinity, megabytes = Infinity, total = Infinity } = GOALS[name] ?? {};
    const missed =
      milliseconds - bare.milliseconds > most || bytes - bare.bytes > megabytes * 1e6 || milliseconds > total;
    if (!missed) continue;
    console.error(`${name} misses its goal: ${JSON.stringify(GOALS[name])}`);
    process.exitCode = 1;
  }
}
