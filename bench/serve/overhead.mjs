import { DiffusionPipeline } from '../../packages/core/dist/index.js';
import { createServer } from '../../packages/server/dist/index.js';
import { sd15Checkpoint } from '../randomCheckpoint.mjs';
import { median } from '../statistics.mjs';
import { DEMO, getJson, postJson } from './processes.mjs';

const PROMPT = 'a red apple on a blue background';
/** Milliseconds. */
const FIRST_EVENT = 50;

/** What HTTP adds to a picture of one step, the first event of a job, and how soon a cancelled run leaves the device. */
export async function measureOverhead({ model, rounds }) {
  const folder = model === 'sd15' ? sd15Checkpoint('f16') : DEMO;
  const options = { variant: model === 'sd15' ? 'fp16' : undefined };
  const open = async () => DiffusionPipeline.fromPretrained(folder, options);
  const pipe = await open();
  const server = await createServer({ models: { it: { open } }, port: 0, rateLimit: 0 });
  const url = await server.listen();
  try {
    const times = await pictures(pipe, url, Number(rounds));
    const [direct, http] = [median(times.direct), median(times.http)];
    const events = [];
    for (let i = 0; i < Number(rounds); i++) events.push(await firstEvent(url, server));
    const cancels = await cancelTimes(url, server, model === 'sd15' ? 5 : 20);
    const first = median(events);
    return {
      lines: [
        `${model}, 512×512, one step, medians of ${rounds}, in turn: library ${direct.toFixed(1)} ms, HTTP ${http.toFixed(1)} ms (${(100 * (http / direct - 1)).toFixed(1)} % more, ${(http - direct).toFixed(1)} ms)`,
        `first event of a job: ${first.toFixed(1)} ms, the slowest ${Math.max(...events).toFixed(1)} ms`,
        `cancelled at random: the device was free after ${median(cancels.times).toFixed(0)} ms, at most ${Math.max(...cancels.times).toFixed(0)} ms; a step took ${cancels.step.toFixed(0)} ms`,
      ],
      problems: first > FIRST_EVENT ? [`the first event took ${first.toFixed(1)} ms`] : [],
    };
  } finally {
    await server.close();
    await pipe.dispose();
  }
}

async function pictures(pipe, url, rounds) {
  const times = { direct: [], http: [] };
  // The first ones load and warm up.
  for (let round = -2; round < rounds; round++) {
    const begun = performance.now();
    const { images } = await pipe.generate(PROMPT, { numInferenceSteps: 1, width: 512, height: 512, seed: 1 });
    await images[0].toBuffer();
    const between = performance.now();
    const answer = await postJson(`${url}/v1/images/generations`, {
      prompt: PROMPT,
      steps: 1,
      size: '512x512',
      seed: 1,
    });
    await answer.json();
    if (round < 0) continue;
    times.direct.push(between - begun);
    times.http.push(performance.now() - between);
  }
  return times;
}

async function firstEvent(url, server) {
  const begun = performance.now();
  const job = await (await postJson(`${url}/jobs`, { prompt: PROMPT, steps: 1 })).json();
  const events = await fetch(`${url}/jobs/${job.id}/events`);
  const reader = events.body.getReader();
  let text = '';
  while (!text.includes('event: ')) text += Buffer.from((await reader.read()).value).toString();
  const time = performance.now() - begun;
  await reader.cancel();
  await server.service.queue.drained();
  return time;
}

/** From the request to the moment at which nothing runs any more, at random moments of a run. */
async function cancelTimes(url, server, count) {
  const times = [];
  let step = 0;
  for (let i = 0; i < count; i++) {
    const job = await (await postJson(`${url}/jobs`, { prompt: PROMPT, steps: 100, size: '512x512' })).json();
    const started = performance.now();
    while ((await getJson(`${url}/jobs/${job.id}`)).progress.step < 1) await pause(5);
    step = performance.now() - started;
    await pause(Math.random() * step);
    const begun = performance.now();
    await fetch(`${url}/jobs/${job.id}`, { method: 'DELETE' });
    while ((await server.service.queue.load()).running > 0) await pause(1);
    times.push(performance.now() - begun);
  }
  return { times, step };
}

async function pause(milliseconds) {
  await new Promise((resolve) => void setTimeout(resolve, milliseconds));
}
