import { createServer as createHttpServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { ThimbleError } from '@thimble/core';
import { Redis } from 'ioredis';
import {
  createServer,
  createWorker,
  type Job,
  type JobEvent,
  type JobProcessor,
  type ThimbleServer,
} from '../src/index.js';
import { RedisConnection, RedisQueue, RedisWorker } from '../src/redis/index.js';
import { openStorage } from '../src/results/openStorage.js';
import { ResultStore } from '../src/results/ResultStore.js';
import { imageOf, someJob } from './support/queueConformance.js';
import { redisProgram, type RedisServer, startRedis } from '../../../tools/redisServer.mjs';
import { openTiny, SHORT, tinyServer, until } from './support/tinyServer.js';

const withRedis = redisProgram === undefined ? describe.skip : describe;
let redis: RedisServer;
let database = 0;
/** Where workers are killed: others find it out after so long. */
const SOON_LOST = { lockDuration: 400 };
const nextUrl = (): string => `${redis.url}/${database++}`;

withRedis('workers', () => {
  let url: string;
  let queue: RedisQueue;
  const open: RedisConnection[] = [];
  const started: Started[] = [];
  afterEach(async () => void (await Promise.all(started.splice(0).map(async (one) => one.end()))));
  beforeAll(async () => {
    redis = await startRedis();
    url = nextUrl();
    open.push(await RedisConnection.open(url, { patient: false }));
    queue = await RedisQueue.create(open[0]!, { maxQueue: 100, retain: 60_000, lanes: () => 1 });
  });
  afterAll(async () => {
    await queue?.close();
    await Promise.all(open.map(async (connection) => connection.close()));
    await redis?.[Symbol.asyncDispose]();
  });

  interface Started {
    /** Ends it; the tests end those that are left. */
    readonly end: () => Promise<void>;
    readonly worker: RedisWorker;
    /** As if the process was killed: nothing of it is heard any more. */
    readonly kill: () => void;
  }

  async function startWorker(
    process: JobProcessor,
    {
      models = ['a model/1'],
      opened = models,
      lockDuration = 1000,
    }: { models?: string[]; opened?: string[]; lockDuration?: number } = {},
  ): Promise<Started> {
    const connection = await RedisConnection.open(url, { patient: true });
    const worker = await RedisWorker.start(connection, process, {
      models: new Map(models.map((model) => [model, 'cpu'])),
      opened: () => opened,
      lockDuration,
    });
    let [killed, ended] = [false, false];
    const one: Started = {
      worker,
      kill: () => {
        killed = true;
        connection.commands.disconnect();
      },
      end: async () => {
        if (ended) return;
        ended = true;
        // It finds that its locks are lost; then it is put away.
        if (killed) await sleep(lockDuration).then(async () => connection.commands.connect());
        await worker.close();
        await connection.close();
      },
    };
    started.push(one);
    return one;
  }

  async function eventsOf({ id }: Job): Promise<JobEvent[]> {
    const events: JobEvent[] = [];
    for await (const { event } of queue.events(id)) events.push(event);
    return events;
  }

  test('a job whose worker is lost is done again by another one, and its pictures are told once', async () => {
    let lose = (): void => undefined;
    const lost = new Promise<void>((resolve) => {
      lose = resolve;
    });
    const seen: unknown[] = [];
    const first = await startWorker(async (job, { emit, signal }) => {
      seen.push(job.request.options['seed']);
      emit({ type: 'step', step: 1, steps: 2 });
      emit(imageOf(job));
      await until(async () => (await queue.get(job.id))?.images.length === 1);
      first.kill();
      lose();
      await until(() => signal.aborted);
    }, SOON_LOST);
    const job = someJob({}, { options: { seed: [11, 12], numImagesPerPrompt: 2 } });
    await queue.add(job);
    const told = eventsOf(job);
    await lost;
    await startWorker(async (again, { emit }) => {
      seen.push(again.request.options['seed']);
      for (const index of [0, 1]) emit(imageOf(again, index));
    }, SOON_LOST);
    const events = (await told).map(({ type }) => type);
    expect(events.filter((type) => type !== 'queued')).toEqual([
      'started',
      'step',
      'image',
      'started',
      'image',
      'done',
    ]);
    expect(seen).toEqual([
      [11, 12],
      [11, 12],
    ]);
    expect((await queue.get(job.id))?.images).toHaveLength(2);
  });

  test('a worker that was taken for lost has no say any more, and its run is ended', async () => {
    const runs: string[] = [];
    let ended: unknown;
    const process: JobProcessor = async (job, { emit, signal }) => {
      runs.push(job.id);
      const run = runs.length;
      // The first one gets nothing said for longer than its lock lasts, as if its event loop was held.
      if (run === 1) {
        await open[0]!.commands.del(`thimble:a%20model%2F1:${job.id}:lock`);
        await until(() => runs.length === 2);
        emit({ type: 'step', step: 9, steps: 9 });
        await until(() => signal.aborted);
        ended = signal.reason;
        throw signal.reason;
      }
      emit({ type: 'step', step: 1, steps: 1 });
      await until(() => ended !== undefined);
      emit(imageOf(job));
    };
    await startWorker(process);
    await startWorker(process);
    const job = someJob();
    await queue.add(job);
    const events = await eventsOf(job);
    expect(events.flatMap((event) => (event.type === 'step' ? [event.steps] : []))).toEqual([1]);
    expect(events.at(-1)).toEqual({ type: 'done' });
    expect(runs).toEqual([job.id, job.id]);
  });

  test('a job that is lost four times is given up, with the reason', async () => {
    let runs = 0;
    await startWorker(async () => {
      runs += 1;
      throw new ThimbleError('ERR_DEVICE_CRASHED', { reason: 'it was ended by SIGKILL' });
    });
    const job = someJob();
    await queue.add(job);
    expect((await eventsOf(job)).at(-1)).toMatchObject({
      type: 'error',
      error: { code: 'ERR_JOB_LOST', message: expect.stringContaining('4 times') },
    });
    expect(runs).toBe(4);
  });

  test('and so is one whose workers were killed', async () => {
    const job = someJob();
    await queue.add(job);
    for (let loss = 0; loss < 4; loss++) {
      let begun = false;
      const worker = await startWorker(async (_, { signal }) => {
        begun = true;
        await until(() => signal.aborted);
      }, SOON_LOST);
      await until(() => begun);
      worker.kill();
    }
    await startWorker(async () => undefined, SOON_LOST);
    expect((await eventsOf(job)).at(-1)).toMatchObject({ type: 'error', error: { code: 'ERR_JOB_LOST' } });
  });

  test('one that ends gives its job back, which is no loss', async () => {
    const job = someJob();
    await queue.add(job);
    for (let time = 0; time < 5; time++) {
      let begun = false;
      const worker = await startWorker(async (_, { signal }) => {
        begun = true;
        await until(() => signal.aborted);
        throw signal.reason;
      });
      await until(() => begun);
      await worker.end();
    }
    expect(await queue.get(job.id)).toMatchObject({ status: 'queued' });
    await startWorker(async () => undefined);
    expect((await eventsOf(job)).at(-1)).toEqual({ type: 'done' });
  });

  test('does the jobs of the open model first, and leaves others to those who have theirs open', async () => {
    const done: string[] = [];
    const process =
      (name: string): JobProcessor =>
      async ({ request: { model } }) => {
        done.push(`${name} ${model}`);
        await sleep(30);
      };
    const jobs = ['b', 'a', 'b', 'a', 'b', 'a'].map((model) => someJob({}, { model }));
    for (const job of jobs) await queue.add(job);
    const alone = await startWorker(process('first'), { models: ['a', 'b'], opened: ['a'] });
    await Promise.all(jobs.map(eventsOf));
    await alone.end();
    expect(done.map((one) => one.at(-1)).join('')).toBe('aaabbb');
    done.length = 0;
    await startWorker(process('first'), { models: ['a', 'b'], opened: ['a'] });
    await startWorker(process('second'), { models: ['a', 'b'], opened: ['b'] });
    const one = someJob({}, { model: 'b' });
    await queue.add(one);
    await eventsOf(one);
    expect(done).toEqual(['second b']);
  });
});

withRedis('Redis', () => {
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(async () => redis?.[Symbol.asyncDispose]());

  test('is refused where it may drop keys, and where there is none', async () => {
    await using evicting = await startRedis('--maxmemory-policy', 'allkeys-lru');
    await expect(createServer({ redis: evicting.url })).rejects.toMatchObject({ code: 'ERR_REDIS_EVICTS' });
    const none = 'redis://:my-secret@127.0.0.1:1';
    for (const made of [createServer({ redis: none }), createWorker({ redis: none, models: { a: 'x' } })])
      await expect(made).rejects.toMatchObject({
        code: 'ERR_REDIS_UNAVAILABLE',
        message: expect.not.stringContaining('secret'),
      });
    await expect(createServer({})).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
    for (const redis of ['<', 'localhost:6379', 'http://127.0.0.1'])
      await expect(createServer({ redis })).rejects.toMatchObject({
        code: 'ERR_ARGUMENT_INVALID',
        details: { argument: 'redis' },
      });
    for (const results of ['', 'redis://[', 's3://['])
      await expect(createServer({ models: { a: 'x' }, results })).rejects.toMatchObject({
        code: 'ERR_ARGUMENT_INVALID',
        details: { argument: 'results' },
      });
  });

  test('holds pictures as they are, by their keys', async () => {
    const url = nextUrl();
    const store = new ResultStore(await openStorage(url));
    const job = { createdAt: 1_790_000_000_000, id: '01234567-89ab-cdef-0123-456789abcdef' };
    const [key, bytes] = [store.resultKey(job, 0, 'png'), Buffer.from([0, 255, 128, 10])];
    await store.put(key, bytes);
    expect(await store.get(key)).toEqual(bytes);
    const client = new Redis(url);
    expect(await client.getBuffer(`thimble:results:${key}`)).toEqual(bytes);
    client.disconnect();
    await store.sweep(Infinity, async () => false);
    expect(await store.get(key)).toBeUndefined();
    await store.close();
  });

  test('carries a whole service: a server that queues, workers that make the pictures', async () => {
    const url = nextUrl();
    await using server = await tinyServerIn(url);
    const address = await server.listen();
    const post = async (path: string, body: object): Promise<Response> =>
      fetch(address + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ prompt: 'a cat', ...SHORT, ...body }),
      });
    const early = await post('/v1/images/generations', {});
    expect([early.status, await early.json()]).toMatchObject([503, { error: { code: 'ERR_NO_WORKERS' } }]);

    const models = { tiny: { open: async () => openTiny() }, slow: { open: async () => openTiny(100) } };
    const worker = await createWorker({ redis: url, models, keep: 2 });
    await until(() => server.service.models.names.length === 2);
    const { data } = (await (await fetch(`${address}/v1/models`)).json()) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toEqual(['tiny', 'slow']);
    const unknown = await post('/v1/images/generations', { model: 'none' });
    expect(unknown.status).toBe(404);

    const answer = await post('/v1/images/generations', { seed: 5 });
    const picture = ((await answer.json()) as { data: [{ b64_json: string }] }).data[0].b64_json;
    await using alone = await tinyServer();
    const direct = await fetch(`${await alone.listen()}/v1/images/generations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'a cat', ...SHORT, seed: 5 }),
    });
    expect(((await direct.json()) as { data: [{ b64_json: string }] }).data[0].b64_json).toBe(picture);

    // Previews come along, and a client that goes away ends the run over there.
    const gone = new AbortController();
    const streamed = await fetch(`${address}/v1/images/generations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'a cat', model: 'slow', steps: 30, stream: true, partial_images: 3 }),
      signal: gone.signal,
    });
    const reader = streamed.body!.getReader();
    let text = '';
    while (!text.includes('image_generation.partial_image'))
      text += Buffer.from((await reader.read()).value ?? '').toString();
    gone.abort();
    await until(async () => (await server.service.queue.load()).running === 0);

    // It finishes what it has.
    const last = post('/v1/images/generations', { model: 'slow', steps: 5 });
    await until(async () => (await server.service.queue.load()).running === 1);
    await worker.drain();
    expect((await last).status).toBe(200);
    expect(server.service.models.names).toEqual(['tiny', 'slow']);
    // What its models take is known beyond its end.
    const { models: catalog } = server.service;
    await until(() => catalog.facts('tiny') !== undefined && catalog.opened.length === 0);
    expect(await (await fetch(`${address}/v1/models/tiny`)).json()).toMatchObject({ defaults: { width: 64 } });
  });

  test('that goes away is told of as such', async () => {
    await using own = await startRedis();
    const before = timers();
    const server = await createServer({
      redis: own.url,
      models: { tiny: 'x' },
      port: 0,
      logLevel: 'silent',
      rateLimit: 0,
    });
    const address = await server.listen();
    own.process.kill('SIGKILL');
    await once(own.process, 'exit');
    const answer = await fetch(`${address}/jobs`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"prompt":"a cat"}',
    });
    expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: 'ERR_REDIS_UNAVAILABLE' } }]);
    await server[Symbol.asyncDispose]();
    await sleep(100);
    expect(timers()).toBeLessThanOrEqual(before);
  });
});

/** Timers that would hold the program. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

async function tinyServerIn(url: string): Promise<ThimbleServer> {
  return createServer({ redis: url, port: 0, logLevel: 'error', rateLimit: 0 });
}

test('results lie in S3, or what is like it', async () => {
  const objects = new Map<string, Buffer>();
  const bucket = createHttpServer((request, response) => {
    void (async () => {
      const name = decodeURIComponent(request.url!.slice('/bucket/'.length));
      expect(request.headers.authorization).toContain('Credential=key/');
      if (request.method === 'PUT') objects.set(name, await buffer(request));
      if (request.method === 'DELETE') objects.delete(name);
      if (request.method !== 'GET') return response.writeHead(request.method === 'DELETE' ? 204 : 200).end();
      if (name !== '') return response.writeHead(objects.has(name) ? 200 : 404).end(objects.get(name));
      const contents = [...objects.keys()].map((key) => `<Contents><Key>${key}</Key></Contents>`);
      return response.end(`<?xml version="1.0"?><ListBucketResult>${contents.join('')}</ListBucketResult>`);
    })();
  }).listen(0, '127.0.0.1');
  await once(bucket, 'listening');
  process.env['AWS_ACCESS_KEY_ID'] = 'key';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'secret';
  try {
    const { port } = bucket.address() as AddressInfo;
    const store = new ResultStore(await openStorage(`s3://bucket?endpoint=http://127.0.0.1:${port}&region=here`));
    const job = { createdAt: 1_790_000_000_000, id: '01234567-89ab-cdef-0123-456789abcdef' };
    const [key, bytes] = [store.resultKey(job, 0, 'png'), Buffer.from([0, 255, 128, 10])];
    await store.put(key, bytes);
    expect([...objects.keys()]).toEqual([key]);
    expect(await store.get(key)).toEqual(bytes);
    await store.sweep(Infinity, async () => false);
    expect(await store.get(key)).toBeUndefined();
    await store.close();
  } finally {
    delete process.env['AWS_ACCESS_KEY_ID'];
    delete process.env['AWS_SECRET_ACCESS_KEY'];
    bucket.close();
  }
});
