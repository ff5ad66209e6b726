// Feeds thimble with inputs that somebody spoiled, or never meant well: npm run fuzz [-- TARGET…] [--count N | --seconds N] [--seed N] [--from N]. Without a target all take their
// turns in one process. An input depends on the seed and its number alone, so the line that a failure prints makes that one again.
import { fork } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { TARGETS } from './fuzz/targets.mjs';

/** An input that takes longer hangs, also on a machine that is busy. One that was stopped meanwhile does not count. */
const HANGS_AFTER_SECONDS = 30;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    count: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    from: { type: 'string', default: '0' },
  },
});
const names = positionals.length === 0 ? Object.keys(TARGETS) : positionals;
const unknown = names.find((name) => !Object.hasOwn(TARGETS, name));
if (unknown === undefined) await main();
else {
  console.error(`nothing is fuzzed as "${unknown}"; there is ${Object.keys(TARGETS).join(', ')}`);
  process.exitCode = 2;
}

async function main() {
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`fuzz ${names.join(' ')}: seed ${seed}`);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'thimble-fuzz-')));
  const progress = join(folder, 'progress');
  const descriptor = openSync(progress, 'w+');
  const plan = { names, seed, from: Number(values.from), folder, progress };
  for (const name of ['count', 'seconds']) if (values[name] !== undefined) plan[name] = Number(values[name]);
  // Apart, so that an input that never ends can be told of, and one that ends the process.
  const child = fork(fileURLToPath(new URL('fuzz/run.mjs', import.meta.url)), [JSON.stringify(plan)], {
    execArgv: ['--expose-gc', '--max-old-space-size=2048'],
  });
  const watch = watchFor(descriptor, (name, at) => {
    console.error(`${name}: input ${at} hangs\nagain: npm run fuzz -- ${name} --seed ${seed} --from ${at} --count 1`);
    child.kill('SIGKILL');
  });
  child.on('exit', (code, signal) => {
    clearInterval(watch);
    if (code !== 0 && code !== 1) {
      const [target, at] = readProgress(descriptor);
      console.error(`${names[target]}: input ${at} ended the process: ${signal ?? `exit code ${code}`}`);
    }
    process.exitCode = code ?? 1;
    closeSync(descriptor);
    rmSync(folder, { recursive: true, force: true });
  });
}

function watchFor(descriptor, onHang) {
  let seen = { mark: '', seconds: 0 };
  return setInterval(() => {
    const [target, at, tries] = readProgress(descriptor);
    const mark = `${target} ${at} ${tries}`;
    if (mark !== seen.mark) seen = { mark, seconds: 0 };
    else if (++seen.seconds > HANGS_AFTER_SECONDS) onHang(names[target], at);
  }, 1000);
}

/** The number of the target, that of its input, and how often inputs were tried, shrunk ones too. */
function readProgress(descriptor) {
  const bytes = Buffer.alloc(12);
  readSync(descriptor, bytes, 0, 12, 0);
  return [0, 4, 8].map((offset) => bytes.readUInt32LE(offset));
}
