// The service of service.mjs. Arguments: requests, largest side, memory limit, seed, seconds of patience. Its last line is JSON.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { DiffusionPipeline, isThimbleError } from '../packages/core/dist/index.js';

const MODEL = new URL('../models/demo', import.meta.url).pathname;
/** Sides are multiples of it. */
const STEP = 64;
/** Shares of the clients who leave soon, and who wait however long it takes; the others leave after a while. */
const [HASTY, STEADFAST] = [0.3, 0.05];
/** Milliseconds. */
const SOON = 2000;
/** Pictures of at most so many pixels are asked for once more at the end, to see whether they were right; so many of them. */
const [SMALL, AGAIN] = [512 * 512, 3];
const [requests, largest, memoryLimit, seed, patience] = process.argv.slice(2);
const random = mulberry32(Number(seed));

const pipe = await DiffusionPipeline.fromPretrained(MODEL, { memoryLimit, maxQueue: 256 });
const warmUp = { numInferenceSteps: 4, guidanceScale: 1, width: 256, height: 256, seed: 1 };
const answers = {};
const finished = [];
let mostPixels = 0;
const wrong = [];
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
// Code is compiled and caches fill during the first requests.
const first = Math.ceil(Number(requests) / 4);
await serve(0, first);
const before = await idleBytes();
await serve(first, Number(requests));
delay.disable();
const growth = 100 * ((await idleBytes()) / before - 1);
await lookAgain();
await pipe.dispose();
console.log(JSON.stringify({ answers, wrong, blocked: Math.round(delay.max / 1e6), growth, mostPixels }));

/** All at once; they take turns. */
async function serve(from, to) {
  const asked = Array.from({ length: to - from }, async (_, i) => {
    const answer = await ask(from + i);
    answers[answer] = (answers[answer] ?? 0) + 1;
    console.log(`${from + i} ${answer}`);
  });
  await Promise.all(asked);
}

/** One request: what became of it, in a word. */
async function ask(index) {
  const [width, height] = [side(), side()];
  const abort = new AbortController();
  const kind = random();
  const waits = random() * (kind < HASTY ? SOON : Number(patience) * 1000);
  const options = { ...warmUp, width, height, seed: index, signal: abort.signal };
  const reason = new Error('the client left');
  try {
    let begun = false;
    for await (const { type, result } of pipe.stream('a red apple', options)) {
      // The client's patience begins with the work.
      if (type !== 'queued' && !begun && kind < 1 - STEADFAST) setTimeout(() => abort.abort(reason), waits).unref();
      begun ||= type !== 'queued';
      if (type !== 'done') continue;
      const [image] = result.images;
      if (image.width !== width || image.height !== height || image.data.length !== width * height * 3)
        wrong.push(`${index}: ${image.width}×${image.height} in place of ${width}×${height}`);
      if (width * height <= SMALL && finished.length < AGAIN) finished.push({ index, width, height, data: image.data });
      mostPixels = Math.max(mostPixels, width * height);
      return 'a picture';
    }
  } catch (error) {
    if (error === reason) return 'aborted';
    if (isThimbleError(error) && error.code !== 'ERR_DEVICE_CRASHED') return error.code;
    wrong.push(`${index}: ${width}×${height}: ${String(error)}`);
  }
  return 'wrong';
}

/** Some pictures as they come by themselves. */
async function lookAgain() {
  for (const { index, width, height, data } of finished) {
    const { images } = await pipe.generate('a red apple', { ...warmUp, width, height, seed: index });
    if (images[0].data.some((x, i) => Math.abs(x - data[i]) > 1))
      wrong.push(`${index}: another picture the second time`);
  }
}

function side() {
  return STEP * (1 + Math.floor(random() * (Number(largest) / STEP)));
}

/** What both processes hold after a small picture, in bytes. */
async function idleBytes() {
  await pipe.generate('a red apple', warmUp);
  globalThis.gc?.();
  const { main, device } = await pipe.memory();
  return main.anonymousBytes + (device?.anonymousBytes ?? 0);
}

function mulberry32(start) {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
