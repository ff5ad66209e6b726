// The process in which inputs are tried, one after the other: its argument says which.
import { openSync, writeSync } from 'node:fs';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { Sandbox } from './Sandbox.mjs';
import { TARGETS } from './targets.mjs';

/** So many inputs that come all to the same have not come to what is to be tried. */
const TOO_MANY_ALIKE = 100;
/** Kilobytes in a megabyte. */
const KB_PER_MB = 1024;

const plan = JSON.parse(process.argv[2]);
const progress = openSync(plan.progress, 'r+');
const sandbox = await Sandbox.create(plan.folder);
let tries = 0;
let current = 0;
// A promise that nobody looks at is a fault like any other.
process.on('unhandledRejection', (error) => {
  console.error(`nobody waited for a promise that failed: ${error?.stack ?? error}`);
  process.exit(1);
});

const started = performance.now();
let all = 0;
for (const [index, name] of plan.names.entries()) {
  const done = await runTarget(index, name);
  all += done.count;
  if (done.failed) process.exitCode = 1;
}
await sandbox.close();
console.log(
  `${all} inputs in ${seconds(started)} s; ${Math.round(process.resourceUsage().maxRSS / KB_PER_MB)} MB at most`,
);
process.disconnect?.();
// What a target could not end would keep the process: it is said, and no reason to wait.
setTimeout(() => {
  console.error(`still there: ${process.getActiveResourcesInfo().join(', ')}`);
  process.exit(1);
}, 10_000).unref();

async function runTarget(index, name) {
  const begun = performance.now();
  const module = await TARGETS[name]();
  const target = await module.open(sandbox);
  const outcomes = new Map();
  const deadline = plan.seconds === undefined ? Infinity : begun + (plan.seconds * 1000) / plan.names.length;
  const end = plan.from + (plan.count ?? (plan.seconds === undefined ? module.count : Infinity));
  let at = plan.from;
  let failed = false;
  try {
    for (; at < end && !failed && (performance.now() < deadline || at === plan.from); at++) {
      mark(index, at);
      failed = await failure(name, target, at, outcomes);
    }
  } finally {
    await target.close();
  }
  const rows = [...outcomes]
    .toSorted(([, a], [, b]) => b - a)
    .map(([outcome, times]) => `${String(times).padStart(9)}  ${outcome}`);
  console.log(`${name}: ${at - plan.from} inputs in ${seconds(begun)} s\n${rows.join('\n')}`);
  const isVain = outcomes.size === 1 && at - plan.from >= TOO_MANY_ALIKE;
  if (isVain) console.error(`${name}: all inputs come to the same, so nothing is tried`);
  return { count: at - plan.from, failed: failed || isVain };
}

/** Whether an input failed, which is then told, as small as it could be made. */
async function failure(name, target, at, outcomes) {
  let outcome = '';
  const property = fc.asyncProperty(target.inputs, async (input) => {
    mark(undefined, at);
    outcome = await target.tryOne(input);
    await sandbox.check();
  });
  const result = await fc.check(property, { seed: plan.seed + at, numRuns: 1 });
  if (!result.failed) {
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    return false;
  }
  console.error(`${name}: input ${at} failed\n${fc.defaultReportMessage(result)}\n${inspect(result.errorInstance)}`);
  console.error(`again: npm run fuzz -- ${name} --seed ${plan.seed} --from ${at} --count 1`);
  return true;
}

/** For whoever watches: which input is tried. */
function mark(index, at) {
  const bytes = Buffer.alloc(12);
  current = index ?? current;
  bytes.writeUInt32LE(current, 0);
  bytes.writeUInt32LE(at, 4);
  bytes.writeUInt32LE(tries++ >>> 0, 8);
  writeSync(progress, bytes, 0, 12, 0);
}

function seconds(since) {
  return ((performance.now() - since) / 1000).toFixed(1);
}
