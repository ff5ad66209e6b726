// Feeds what reads files from elsewhere with inputs that were spoiled: npm run fuzz -- headers [--count N] [--seed N] [--from N]. An input depends on the seed and its number
// alone, so the line that a failure prints makes that one again.
import { parseArgs } from 'node:util';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { headers } from './fuzz/headers.mjs';
import { Random } from './fuzz/Random.mjs';

/** By name; each has a default `count` and `open()`, which gives `{ tryOne(random), [Symbol.asyncDispose]() }`: what became of an input, or an error. */
const TARGETS = { headers };
/** An input that takes longer hangs, also on a machine that is busy. */
const HANGS_AFTER_MS = 30_000;

if (isMainThread) await main();
else await work(workerData);

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { count: { type: 'string' }, seed: { type: 'string' }, from: { type: 'string', default: '0' } },
  });
  const [name = ''] = positionals;
  const target = TARGETS[name];
  if (target === undefined) {
    console.error(`nothing is fuzzed as "${name}"; there is ${Object.keys(TARGETS).join(', ')}`);
    process.exitCode = 2;
    return;
  }
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
  const from = Number(values.from);
  const count = Number(values.count ?? target.count);
  console.log(`fuzz ${name}: seed ${seed}, ${count} inputs from ${from} on`);
  // Apart, so that an input that never ends can be told of.
  const at = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL(import.meta.url), { workerData: { name, seed, from, count, at } });
  const again = () => `npm run fuzz -- ${name} --seed ${seed} --from ${at[0]} --count 1`;
  const failed = (problem) => {
    console.error(`${problem}\nagain: ${again()}`);
    process.exitCode = 1;
  };
  const watch = watchFor(at, () => {
    failed(`input ${at[0]} hangs`);
    void worker.terminate();
  });
  worker.on('error', (error) => failed(`input ${at[0]}: ${error.stack ?? error}`));
  worker.on('exit', () => clearInterval(watch));
}

function watchFor(at, onHang) {
  let seen = { at: -1, since: Date.now() };
  return setInterval(() => {
    if (at[0] !== seen.at) seen = { at: at[0], since: Date.now() };
    else if (Date.now() - seen.since > HANGS_AFTER_MS) onHang();
  }, 1000);
}

async function work({ name, seed, from, count, at }) {
  const started = performance.now();
  const outcomes = new Map();
  const target = await TARGETS[name].open();
  try {
    for (let i = from; i < from + count; i++) {
      at[0] = i;
      const outcome = await target.tryOne(new Random(seed + i));
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  } finally {
    await target[Symbol.asyncDispose]();
  }
  const rows = [...outcomes]
    .toSorted(([, a], [, b]) => b - a)
    .map(([outcome, times]) => `${String(times).padStart(9)}  ${outcome}`);
  console.log(`${rows.join('\n')}\n${count} inputs in ${((performance.now() - started) / 1000).toFixed(1)} s`);
}
