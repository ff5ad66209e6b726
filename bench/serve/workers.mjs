import { createHash } from 'node:crypto';
import { DiffusionPipeline } from '../../packages/core/dist/index.js';
import { redisProgram, startRedis } from '../../tools/redisServer.mjs';
import { DEMO, end, getJson, postJson, startServer, startWorker } from './processes.mjs';

const PROMPT = 'a red apple on a blue background';
const WORKERS = 3;
/** Seeds that pictures are asked for with, each by many. */
const SEEDS = 50;
/** Milliseconds between two kills. */
const KILL_INTERVAL = 10_000;

/** Three workers and jobs that wait for them, while one of the workers is killed every ten seconds, and another one begins in its place. */
export async function measureWorkers({ jobs: count, minutes, steps, size }) {
  if (redisProgram === undefined) throw new Error('there is no redis-server here');
  const redis = await startRedis();
  const server = await startServer('--redis', redis.url, '--max-queue', String(count));
  const start = () => startWorker('--redis', redis.url, '--model', `demo=${DEMO}`, '--threads', '1');
  const workers = Array.from({ length: WORKERS }, start);
  let kills = 0;
  const begun = performance.now();
  const until = begun + Number(minutes) * 60_000;
  const killing = setInterval(() => {
    if (performance.now() > until) return;
    const victim = Math.floor(Math.random() * WORKERS);
    workers[victim].kill('SIGKILL');
    workers[victim] = start();
    kills += 1;
  }, KILL_INTERVAL);
  try {
    while ((await getJson(`${server.url}/v1/models`)).data.length === 0) await pause();
    const run = { prompt: PROMPT, steps: Number(steps), guidance_scale: 1.5, size: `${size}x${size}` };
    const ids = [];
    for (let i = 0; i < Number(count); i++) {
      const answer = await postJson(`${server.url}/jobs`, { ...run, seed: i % SEEDS });
      ids.push((await answer.json()).id);
    }
    const results = await Promise.all(ids.map((id) => finished(server.url, id)));
    const seconds = (performance.now() - begun) / 1000;
    clearInterval(killing);
    const problems = await compare(results, { steps: Number(steps), size: Number(size) });
    const again = results.filter(({ starts }) => starts > 1).length;
    return {
      lines: [
        `${count} jobs of ${size}×${size}, ${steps} steps, ${WORKERS} workers of one thread, ${seconds.toFixed(0)} s; ${kills} workers killed, ${again} jobs done again`,
        `${results.filter(({ status }) => status === 'done').length} done, each held against the direct run's bytes`,
      ],
      problems,
    };
  } finally {
    clearInterval(killing);
    await Promise.all([...workers, server.child].map((child) => end(child)));
    await redis.end();
  }
}

/** A job's end: how it ended, its pictures, and what was told of it. */
async function finished(url, id) {
  const text = await (await fetch(`${url}/jobs/${id}/events`)).text();
  const job = await getJson(`${url}/jobs/${id}`);
  const pictures = [];
  for (const image of job.images) pictures.push(digestOf(Buffer.from(await (await fetch(image.url)).arrayBuffer())));
  return {
    status: job.status,
    error: job.error,
    pictures,
    starts: text.match(/^event: started$/gm)?.length ?? 0,
    told: text.match(/^event: image$/gm)?.length ?? 0,
  };
}

async function compare(results, { steps, size }) {
  const pipe = await DiffusionPipeline.fromPretrained(DEMO, { deviceOptions: { threads: 1 } });
  const right = [];
  for (let seed = 0; seed < Math.min(SEEDS, results.length); seed++) {
    const options = { numInferenceSteps: steps, guidanceScale: 1.5, width: size, height: size, seed };
    const { images } = await pipe.generate(PROMPT, options);
    right.push(digestOf(await images[0].toBuffer()));
  }
  const problems = [];
  for (const [i, { status, error, pictures, told }] of results.entries()) {
    if (status !== 'done') problems.push(`job ${i}: ${status} ${JSON.stringify(error)}`);
    else if (pictures.length !== 1 || told !== 1)
      problems.push(`job ${i}: ${pictures.length} pictures, told ${told} times`);
    else if (pictures[0] !== right[i % SEEDS]) problems.push(`job ${i}: another picture than the direct run's`);
  }
  await pipe.dispose();
  return problems;
}

function digestOf(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

async function pause() {
  await new Promise((resolve) => void setTimeout(resolve, 100));
}
