import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { type DiffusionPipeline, ThimbleError } from '@thimble/core';
import { createTestPipeline, testCheckpoint } from '@thimble/plugin-testkit';
import { InProcessQueue, JobRunner, type JobRequest, ModelPool, ResultStore } from '../src/index.js';
import { folderStorage } from '../src/results/openStorage.js';
import { until } from './support/tinyServer.js';

const never = new AbortController().signal;
const fake = async (): Promise<DiffusionPipeline> => createTestPipeline({ device: 'fake' });

test('models stay open up to a number, those used last; one in use is never closed', async () => {
  const pool = new ModelPool({ a: { open: fake }, b: { open: fake }, c: { open: fake } }, { keep: 2, idle: 60_000 });
  const a = await pool.lease('a', never);
  (await pool.lease('b', never))[Symbol.dispose]();
  expect(pool.opened).toEqual(['a', 'b']);
  (await pool.lease('c', never))[Symbol.dispose]();
  expect(pool.opened).toEqual(['a', 'c']);
  const again = await pool.lease('a', never);
  expect(again.pipe).toBe(a.pipe);
  again[Symbol.dispose]();
  expect(await pool.closeOthers('a')).toBe(true);
  expect(pool.opened).toEqual(['a']);
  await pool.dispose();
  await expect(a.pipe.generate('a cat')).rejects.toMatchObject({ code: 'ERR_DISPOSED' });
  await expect(pool.lease('d', never)).rejects.toMatchObject({ code: 'ERR_MODEL_UNKNOWN' });
});

test('a model that nobody uses is closed after a while, and opened again', async () => {
  let opened = 0;
  const open = async (): Promise<DiffusionPipeline> => (opened++, fake());
  const pool = new ModelPool({ a: { open } }, { keep: 1, idle: 50 });
  using lease = await pool.lease('a', never);
  await sleep(100);
  expect(pool.opened).toEqual(['a']);
  lease[Symbol.dispose]();
  await until(() => pool.opened.length === 0);
  (await pool.lease('a', never))[Symbol.dispose]();
  expect(opened).toBe(2);
  await pool.dispose();
});

test('a model that cannot be opened is tried again the next time', async () => {
  const pool = new ModelPool(
    { none: '/nowhere', tiny: { model: testCheckpoint, deviceOptions: { threads: 1 } } },
    { keep: 1, idle: 50 },
  );
  for (let i = 0; i < 2; i++)
    await expect(pool.lease('none', never)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
  await expect(pool.lease('tiny', AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
  expect(pool.opened).toEqual([]);
  await pool.dispose();
});

test('jobs of different devices run side by side, those of one take turns', async () => {
  const running = new Set<string>();
  const seen: string[][] = [];
  const begun = new EventEmitter();
  const queue = new InProcessQueue(
    async ({ id }) => {
      running.add(id);
      seen.push([...running].sort());
      begun.emit(id);
      if (id === '1') await once(begun, '3');
      running.delete(id);
    },
    { maxQueue: 10, retain: 60_000, laneOf: ({ request }) => request.model },
  );
  const request: JobRequest = { model: 'cpu', prompt: 'a cat', options: {}, pictures: {}, format: 'png' };
  for (const [id, model] of [
    ['1', 'cpu'],
    ['2', 'cpu'],
    ['3', 'gpu'],
  ] as const)
    await queue.add({ id, createdAt: 0, request: { ...request, model } });
  await queue.drained();
  expect(seen.slice(0, 2)).toEqual([['1'], ['1', '3']]);
  expect(seen[2]).toContain('2');
  expect(seen[2]).not.toContain('1');
  await queue.close();
});

test('results are swept once their jobs are forgotten, and other files are left alone', async () => {
  const storage = await folderStorage();
  const store = new ResultStore(storage);
  const [old, young] = [1_790_000_000_000, 1_790_000_100_000].map((createdAt) => ({
    createdAt,
    id: '01234567-89ab-cdef-0123-456789abcdef',
  }));
  const keys = [store.resultKey(old!, 0, 'png'), store.inputKey(old!, 'image'), store.resultKey(young!, 0, 'webp')];
  // It waited for long.
  const known = store.resultKey({ ...old!, id: old!.id.replace('0', 'f') }, 0, 'png');
  keys.push(known);
  for (const key of [...keys, 'mine.png']) await store.put(key, Buffer.from(key));
  await store.sweep(1_790_000_050_000, async (id) => id.startsWith('f'));
  expect((await storage.getKeys()).toSorted()).toEqual(['mine.png', keys[2]!, known].toSorted());
  expect((await store.get(keys[2]!))?.toString()).toBe(keys[2]);
  await store.close();
});

test('where memory runs out, models that lie about are closed, and the job is done again', async () => {
  const store = new ResultStore(await folderStorage());
  let tries = 0;
  const tight = async (): Promise<DiffusionPipeline> => {
    const pipe = await fake();
    const stream = pipe.stream.bind(pipe);
    return Object.assign(pipe, {
      stream: (prompt: string, options: object) => {
        if (tries++ === 0) throw new ThimbleError('ERR_OUT_OF_MEMORY', { segment: 'unet' });
        return stream(prompt, options);
      },
    });
  };
  const pool = new ModelPool({ a: { open: tight }, b: { open: fake } }, { keep: 2, idle: 60_000 });
  const runner = new JobRunner(pool, store);
  (await pool.lease('b', never))[Symbol.dispose]();
  const request: JobRequest = {
    model: 'a',
    prompt: 'a cat',
    options: { numInferenceSteps: 1 },
    pictures: {},
    format: 'png',
  };
  const events: string[] = [];
  await runner.run(
    { id: '01234567-89ab-cdef-0123-456789abcdef', createdAt: Date.now(), request },
    { signal: never, emit: ({ type }) => events.push(type) },
  );
  expect([tries, events.at(-1), pool.opened]).toEqual([2, 'image', ['a']]);
  await pool.dispose();
  await store.close();
});
