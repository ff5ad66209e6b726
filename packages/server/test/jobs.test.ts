import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';
import type { JobState, ThimbleServer } from '../src/index.js';
import { openTiny, SHORT, tinyServer, until } from './support/tinyServer.js';
import { readEvents, type ReadEvent } from './support/readEvents.js';

let server: ThimbleServer;
let url: string;
beforeAll(async () => {
  server = await tinyServer({ maxQueue: 2 });
  url = await server.listen();
});
afterAll(async () => server.close());

interface JobAnswer {
  readonly id: string;
  readonly status: JobState['status'];
  readonly position: number;
  readonly options: { readonly seed: readonly number[] };
  readonly images: readonly { readonly url: string; readonly seed: number; readonly width: number }[];
  readonly error?: { readonly code: string };
}

async function send(body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}/jobs`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ prompt: 'a cat', ...SHORT, ...body }),
  });
}
const post = async (body: object = {}): Promise<JobAnswer> => (await (await send(body)).json()) as JobAnswer;
const get = async (id: string): Promise<JobAnswer> => (await (await fetch(`${url}/jobs/${id}`)).json()) as JobAnswer;
const events = async (id: string, headers: Record<string, string> = {}): Promise<ReadEvent[]> =>
  readEvents(await fetch(`${url}/jobs/${id}/events`, { headers }));

describe('a job', () => {
  test('is taken in, runs, and gives the picture of its seed', async () => {
    const answer = await send({ seed: 3, n: 2 });
    expect(answer.status).toBe(202);
    const { id, options } = (await answer.json()) as JobAnswer;
    expect(answer.headers.get('location')).toBe(`/jobs/${id}`);
    expect(options.seed).toEqual([3, 4]);
    const told = await events(id);
    expect(told.at(-1)).toMatchObject({ event: 'done' });
    const { status, images } = await get(id);
    expect([status, images.length]).toEqual(['done', 2]);
    const file = Buffer.from(await (await fetch(images[1]!.url)).arrayBuffer());
    await using pipe = await openTiny();
    const run = await pipe.generate('a cat', {
      numInferenceSteps: 2,
      guidanceScale: 2,
      seed: [3, 4],
      numImagesPerPrompt: 2,
    });
    expect(file).toEqual(await run.images[1]!.toBuffer());
  });

  test('tells step by step what happens, and again to who comes late or comes back', async () => {
    const begun = Date.now();
    const { id } = await post({ model: 'slow', steps: 8, previews: true });
    const told = await events(id);
    const names = told.map(({ event }) => event);
    expect(names.slice(0, 2)).toEqual(['queued', 'started']);
    expect(names.filter((name) => name === 'step')).toHaveLength(8);
    expect(names.slice(-2)).toEqual(['image', 'done']);
    const previews = told.filter(({ event }) => event === 'preview');
    expect(previews.length).toBeGreaterThan(0);
    expect(previews.length).toBeLessThanOrEqual(1 + (Date.now() - begun) / 500);
    const [png] = (previews[0]!.data as { readonly images: readonly string[] }).images;
    expect(await sharp(Buffer.from(png!, 'base64')).metadata()).toMatchObject({ format: 'png', width: 8 });
    expect((await events(id)).map(({ event }) => event)).toEqual(['image', 'done']);
    const image = told.find(({ event }) => event === 'image');
    expect((await events(id, { 'last-event-id': image!.id! })).map(({ event }) => event)).toEqual(['done']);
  });

  test('is cancelled while it runs, and while it waits', async () => {
    const [running, waiting] = [await post({ model: 'slow', steps: 100 }), await post({ model: 'slow', steps: 100 })];
    expect(waiting.position).toBe(1);
    const told = events(running.id);
    await until(async () => (await get(running.id)).status === 'running');
    for (const { id } of [waiting, running]) {
      const answer = await fetch(`${url}/jobs/${id}`, { method: 'DELETE' });
      expect(answer.status).toBe(200);
      await until(async () => (await get(id)).status === 'cancelled');
    }
    expect((await told).at(-1)).toMatchObject({ event: 'error', data: { error: { code: 'ERR_JOB_CANCELLED' } } });
    await until(async () => (await server.service.queue.load()).running === 0);
  });

  test('is taken once under one key, and the key is not another request’s', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const [first, second] = [await send({}, key), await send({}, key)];
    const { id, options } = (await first.json()) as JobAnswer;
    expect(await second.json()).toMatchObject({ id, options });
    const other = await send({ prompt: 'a dog' }, key);
    expect([other.status, await other.json()]).toMatchObject([409, { error: { code: 'ERR_IDEMPOTENCY_CONFLICT' } }]);
    await events(id);
  });

  test('fails with a reason, and leaves no file', async () => {
    const { id } = await post({ stepps: 2 });
    expect((await events(id)).at(-1)).toMatchObject({
      event: 'error',
      data: { error: { code: 'ERR_ARGUMENT_INVALID', message: expect.stringContaining('stepps') } },
    });
    expect(await get(id)).toMatchObject({ status: 'failed', error: { code: 'ERR_ARGUMENT_INVALID' }, images: [] });
  });

  test('takes a picture, which is gone once it is done', async () => {
    const image = (
      await sharp({ create: { width: 64, height: 64, channels: 3, background: 'red' } })
        .png()
        .toBuffer()
    ).toString('base64');
    const [plain, url] = await Promise.all([
      post({ image, seed: 1 }),
      post({ image: `data:image/png;base64,${image}`, seed: 1 }),
    ]);
    await Promise.all([events(plain.id), events(url.id)]);
    const files = await Promise.all(
      [plain, url].map(async ({ id }) =>
        Buffer.from(await (await fetch((await get(id)).images[0]!.url)).arrayBuffer()),
      ),
    );
    expect(files[0]).toEqual(files[1]);
    const state = await server.service.queue.get(plain.id);
    expect(state?.request.pictures['image']).toMatch(/\.image\.input$/);
    await until(async () => (await server.service.store.get(state!.request.pictures['image']!)) === undefined);
  });
});

test('what has no code is noted, and not told', async () => {
  const faults: unknown[] = [];
  await using broken = await tinyServer({
    models: { tiny: { open: async () => Promise.reject(new TypeError('my secret')) } },
    logLevel: 'silent',
  });
  broken.service.onFault((error) => faults.push(error));
  const answer = await fetch(`${await broken.listen()}/v1/images/generations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"prompt":"a cat"}',
  });
  expect([answer.status, await answer.json()]).toMatchObject([
    500,
    { error: { code: 'ERR_SERVER_FAULT', type: 'server_error', message: expect.not.stringContaining('secret') } },
  ]);
  expect(faults).toEqual([new TypeError('my secret')]);
});

test('a full queue says when to try again', async () => {
  const taken = [
    await post({ model: 'slow', steps: 100 }),
    await post({ model: 'slow' }),
    await post({ model: 'slow' }),
  ];
  const full = await send({ model: 'slow' });
  expect([full.status, await full.json()]).toMatchObject([
    429,
    { error: { code: 'ERR_JOB_QUEUE_FULL', type: 'rate_limit_error' } },
  ]);
  expect(Number(full.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  for (const { id } of taken) await fetch(`${url}/jobs/${id}`, { method: 'DELETE' });
  await until(async () => (await server.service.queue.load()).running === 0);
});

test.each([
  'jobs/none',
  `jobs/${randomUUID()}`,
  `jobs/${randomUUID()}/events`,
  'results/..%2f..%2fpackage.json',
  'results/none.png',
  'none',
])('there is no /%s', async (path) => {
  const answer = await fetch(`${url}/${path}`);
  expect([400, 404]).toContain(answer.status);
  expect(await answer.json()).toMatchObject({ error: { type: 'invalid_request_error' } });
});

test('whoever watches sees health, readiness and metrics', async () => {
  expect(await (await fetch(`${url}/health`)).json()).toEqual({ status: 'ok', queued: 0, running: 0 });
  expect((await fetch(`${url}/ready`)).status).toBe(200);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  expect(metrics).toMatch(/thimble_jobs_total\{model="tiny",status="done"\} [1-9]/);
  expect(metrics).toMatch(/thimble_jobs_total\{model="slow",status="cancelled"\} [1-9]/);
  expect(metrics).toMatch(/thimble_http_requests_total\{method="POST",route="\/jobs",status="202"\} [1-9]/);
  expect(metrics).toMatch(/thimble_models_open 2/);
  const { paths } = (await (await fetch(`${url}/openapi.json`)).json()) as {
    paths: Record<string, { post?: { requestBody: unknown } }>;
  };
  expect(JSON.stringify(paths['/jobs']!.post!.requestBody)).toContain('"guidance_scale":{"type":"number"');
});

test('a server that drains does what it has, takes no more, and ends', async () => {
  const draining = await tinyServer();
  const address = await draining.listen();
  const ask = async (): Promise<Response> =>
    fetch(`${address}/v1/images/generations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'a cat', model: 'slow', steps: 5 }),
    });
  const pictures = [ask(), ask()];
  await until(async () => (await draining.service.queue.load()).queued === 1);
  const drained = draining.drain();
  expect([
    (await ask()).status,
    (await fetch(`${address}/ready`)).status,
    (await fetch(`${address}/health`)).status,
  ]).toEqual([503, 503, 200]);
  expect((await Promise.all(pictures)).map(({ status }) => status)).toEqual([200, 200]);
  await drained;
  await expect(fetch(`${address}/health`)).rejects.toThrow('fetch failed');
});
