import { createHash } from 'node:crypto';
import { DiffusionPipeline } from '../../packages/core/dist/index.js';
import { readProcessMemory } from '../memory.mjs';
import { DEMO, end, getJson, postJson, startServer } from './processes.mjs';

const PROMPT = 'a red apple on a blue background';
const RUN = { steps: 2, guidance_scale: 1.5, size: '128x128' };
/** Requests at once; every second client leaves. */
const CROWD = 200;
/** Seeds that pictures are asked for with, each by many. */
const SEEDS = 100;
/** Milliseconds. */
const QUIET = 4000;
const MB = 2 ** 20;
/** Megabytes of the main process; percent. */
const [MOST_MEMORY, MOST_GROWTH] = [200, 5];

/** Requests of the demo model, two hundred at a time, of which every second client leaves at a random moment. */
export async function measureCrowd({ requests }) {
  const total = Number(requests);
  const server = await startServer('--model', `demo=${DEMO}`, '--max-queue', String(2 * CROWD));
  try {
    const digests = new Map();
    const sums = { pictures: 0, gone: 0 };
    const problems = [];
    const held = [];
    let peak = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, readProcessMemory(server.pid).resident);
    }, 50);
    const started = performance.now();
    for (let sent = 0; sent < total;) {
      const count = Math.min(CROWD, total - sent);
      const answers = await Promise.all(Array.from({ length: count }, (_, i) => ask(server.url, sent + i)));
      for (const { answer, seed, digest } of answers) {
        if (answer === 'gone') sums.gone += 1;
        else if (answer !== 'picture') problems.push(`seed ${seed}: ${answer}`);
        else {
          sums.pictures += 1;
          digests.set(seed, [...(digests.get(seed) ?? []), digest]);
        }
      }
      sent += count;
      while ((await getJson(`${server.url}/health`)).running > 0);
      // A server that has nothing to do gives back what it needs no more.
      await new Promise((resolve) => void setTimeout(resolve, QUIET));
      held.push(readProcessMemory(server.pid).resident);
    }
    clearInterval(watch);
    const seconds = (performance.now() - started) / 1000;
    const growth = 100 * (held.at(-1) / held[0] - 1);
    if (peak > MOST_MEMORY * MB) problems.push(`the main process held ${(peak / MB).toFixed(0)} MB`);
    if (growth > MOST_GROWTH) problems.push(`it grew by ${growth.toFixed(1)} %`);
    problems.push(...(await compare(digests)));
    return {
      lines: [
        `${total} requests, ${CROWD} at a time, ${seconds.toFixed(0)} s: ${sums.pictures} pictures, ${sums.gone} clients left; ${digests.size} seeds held against direct runs`,
        `main process: ${(held[0] / MB).toFixed(0)} MB after the first crowd, ${(held.at(-1) / MB).toFixed(0)} MB after the last (${growth.toFixed(1)} %), ${(peak / MB).toFixed(0)} MB at most`,
        `after each crowd: ${held.map((bytes) => (bytes / MB).toFixed(0)).join(', ')} MB`,
      ],
      problems,
    };
  } finally {
    await end(server.child);
  }
}

async function ask(url, index) {
  const seed = index % SEEDS;
  const leaving = new AbortController();
  const leaves = index % 2 === 1;
  if (leaves) setTimeout(() => leaving.abort(), Math.random() * 5000).unref();
  try {
    const answer = await postJson(`${url}/v1/images/generations`, { prompt: PROMPT, ...RUN, seed }, leaving.signal);
    const body = await answer.json();
    if (!answer.ok) return { seed, answer: `${answer.status} ${body.error.code}` };
    return { seed, answer: 'picture', digest: digestOf(Buffer.from(body.data[0].b64_json, 'base64')) };
  } catch (error) {
    return { seed, answer: leaves && error.name === 'AbortError' ? 'gone' : String(error) };
  }
}

/** Each picture is that of its seed, as a direct run gives it. */
async function compare(digests) {
  const pipe = await DiffusionPipeline.fromPretrained(DEMO);
  const problems = [];
  for (const [seed, all] of digests) {
    const { images } = await pipe.generate(PROMPT, {
      numInferenceSteps: 2,
      guidanceScale: 1.5,
      width: 128,
      height: 128,
      seed,
    });
    const right = digestOf(await images[0].toBuffer());
    if (all.some((digest) => digest !== right)) problems.push(`seed ${seed} gave another picture`);
  }
  await pipe.dispose();
  return problems;
}

function digestOf(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
