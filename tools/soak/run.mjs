// One process of the soak: told what to do by a message, it answers with a report and ends.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { DiffusionPipeline } from '@thimble/core';
import { Random } from '../fuzz/Random.mjs';
import { CASES, MODELS, pluginOf } from './cases.mjs';
import { anonymousBytes, childrenOf, openFiles } from './processes.mjs';
import { Trouble } from './Trouble.mjs';

/** How many models are open beside the one that is measured. */
const OPEN = 3;
/** What both processes hold is measured after the first so many runs, and each so many. */
const MEASURED_EVERY = 100;
const PROGRESS_EVERY = 50;
/** A process that is not measured does less, so that the measured one gets on. */
const OTHERS_SLEEP_MS = 4000;
const CALM = CASES.filter(({ model, plugin }) => model === 'testkit' && plugin === 'none');

const [plan] = await once(process, 'message');
const traces = join(plan.disk, 'traces');
const failures = [];
const outcomes = {};
let isStopped = false;
process.on('message', () => (isStopped = true));
const report = plan.task === 'expect' ? { expected: await expectAll() } : await soak();
process.send({ report }, () => process.disconnect());

async function open(model, options = {}) {
  return DiffusionPipeline.fromPretrained(MODELS[model].folder, { deviceOptions: { threads: 1 }, ...options });
}

/** What a run gives, as a digest. */
async function run(pipe, { model, width, height, seed }, signal) {
  const { images } = await pipe.generate('a red apple', {
    ...MODELS[model].options,
    width,
    height,
    seed,
    numInferenceSteps: 2,
    outputType: 'tensor',
    signal,
  });
  return createHash('sha1').update(images.data).digest('hex');
}

/** Each case in a pipeline of its own, with nothing cached. */
async function expectAll() {
  const expected = {};
  for (const each of CASES) {
    const pipe = await open(each.model);
    const plugin = pluginOf(each, { traces });
    if (plugin !== undefined) await pipe.use(plugin);
    expected[each.name] = await run(pipe, each);
    await pipe.dispose();
    for (const folder of [join(plan.disk, 'cache'), traces]) rmSync(folder, { recursive: true, force: true });
    mkdirSync(join(plan.disk, 'cache'));
  }
  return expected;
}

async function soak() {
  const random = new Random(plan.seed);
  const pool = new Map();
  const resources = process.getActiveResourcesInfo().length;
  // Within a limit the allocator gives back what is freed, so that what is left is what is held.
  const steady = await open('testkit', { memoryLimit: '256MB' });
  const measured = [];
  let runs = 0;
  const isDone = () => (plan.runs === null ? isStopped : runs >= plan.runs || Date.now() > plan.end);
  for (; !isDone(); runs++) {
    if (plan.runs !== null && runs > 0 && runs % MEASURED_EVERY === 0) measured.push(await measure(steady, pool));
    // The pipeline whose process is measured goes on in peace: what it gives is right, and what it takes is its own.
    await inPeace(steady, random.of(CALM), `run ${runs}, in peace`);
    await inTrouble(pool, random, runs);
    if (plan.runs === null) await sleep(random.below(OTHERS_SLEEP_MS));
    else if ((runs + 1) % PROGRESS_EVERY === 0)
      process.send({ progress: runs + 1, failures, bytes: anonymousBytes(process.pid) });
  }
  measured.push(await measure(steady, pool));
  compareOpen(measured[0], measured.at(-1));
  await steady.dispose();
  await sleep(100);
  const left = process.getActiveResourcesInfo();
  if (left.length > resources) failures.push(`handles are left: ${left.join(', ')}`);
  const children = childrenOf(process.pid);
  if (children.length > 0) failures.push(`processes are left: ${children.join(', ')}`);
  return { outcomes, failures, measured: measured.map(({ bytes }) => bytes), runs };
}

async function inPeace(pipe, each, what) {
  try {
    if ((await run(pipe, each)) !== plan.expected[each.name]) failures.push(`${what}: other pixels`);
  } catch (error) {
    if (!plan.isSmall || error?.code !== 'ERR_DISK_FULL') failures.push(`${what}: ${told(error)}`);
    else count('in peace: ERR_DISK_FULL');
  }
}

/** One run, and what comes in its way. */
async function inTrouble(pool, random, number) {
  const each = random.of(CASES);
  const trouble = new Trouble(random, plan);
  const what = `run ${number}, ${each.name}, ${trouble.kind}`;
  let handle;
  let pipe;
  try {
    pipe = await openIn(pool, each.model, random);
    trouble.await(pipe, () => handle);
    const plugin = pluginOf(each, { traces });
    if (plugin !== undefined) handle = await pipe.use(plugin);
    const given = await run(pipe, each, trouble.signal);
    const right = [each.name, ...trouble.otherNames(each)].some((name) => given === plan.expected[name]);
    if (!right) failures.push(`${what}: other pixels`);
    count(`${trouble.kind}: as a fresh run`);
  } catch (error) {
    const outcome = trouble.outcomeOf(error);
    if (outcome === undefined) failures.push(`${what}: ${told(error)}`);
    count(`${trouble.kind}: ${outcome ?? 'a failure'}`);
  }
  await trouble.end().catch((error) => failures.push(`${what}: ${told(error)}`));
  if (pipe !== undefined) await calmDown(pipe, handle, { pool, kind: trouble.kind }, what);
}

/** As the pipeline was: without the plugin, and with nothing on its device. */
async function calmDown(pipe, handle, { pool, kind }, what) {
  if (kind === 'dispose') {
    for (const [model, known] of pool) if (known === pipe) pool.delete(model);
    // Its moment may have been after the end.
    await pipe.dispose();
    return;
  }
  try {
    if (handle !== undefined && pipe.plugins.includes(handle)) await pipe.remove(handle);
    const { tensors } = await pipe.device.usage();
    if (tensors > 0) failures.push(`${what}: ${tensors} tensors are left`);
  } catch (error) {
    // It may have been killed when all was done.
    if (kind === 'kill' && error?.code === 'ERR_DEVICE_CRASHED') return;
    failures.push(`${what}: afterwards: ${told(error)}`);
  }
}

/** An error with all its causes. */
function told(error) {
  return inspect(error, { breakLength: Infinity, depth: 6 });
}

function count(outcome) {
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
}

async function openIn(pool, model, random) {
  const known = pool.get(model);
  if (known !== undefined) return known;
  while (pool.size >= OPEN) {
    const name = random.of([...pool.keys()]);
    await pool.get(name).dispose();
    pool.delete(name);
  }
  const pipe = await open(model);
  pool.set(model, pipe);
  return pipe;
}

/** What both processes have of their own, with nothing open but what is always open. */
async function measure(steady, pool) {
  for (const pipe of pool.values()) await pipe.dispose();
  pool.clear();
  for (const each of CALM) await inPeace(steady, each, 'measured');
  for (let i = 0; i < 4; i++) {
    // What is left to V8 for later is no growth.
    global.gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    await sleep(50);
  }
  const processes = { 'main process': process.pid, 'device process': steady.device.pid };
  const of = (read) => Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, read(pid)]));
  return { bytes: of(anonymousBytes), files: of(openFiles) };
}

function compareOpen(from, to) {
  for (const [name, files] of Object.entries(to.files)) {
    const more = files.length - from.files[name].length;
    if (more > 0) failures.push(`${name}: ${more} more files are open: ${files.join(', ')}`);
  }
}
