import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { ThimbleError } from '@thimble/core';
import type { Job, JobEvent, JobProcessor, JobQueue, JobRun, JobState } from '../../src/index.js';
import { until } from './tinyServer.js';

/** A queue that is tested, with what does its jobs. */
export interface TestedQueue extends AsyncDisposable {
  readonly queue: JobQueue;
  /** Those of which it has told that they ended. */
  readonly ended: readonly JobState[];
}

/** Makes a queue, and has `process` do its jobs, one at a time. */
export type QueueMaker = (
  process: JobProcessor,
  options: { readonly maxQueue?: number; readonly retain?: number },
) => Promise<TestedQueue>;

/** A job of a model that nobody needs. */
export function someJob(more: Partial<Job> = {}, request: Partial<Job['request']> = {}): Job {
  const { id = randomUUID(), ...rest } = more;
  return {
    id,
    createdAt: Date.now(),
    request: { model: 'a model/1', prompt: 'a cat', options: { seed: [7] }, pictures: {}, format: 'png', ...request },
    ...rest,
  };
}

/** The picture of a job. */
export function imageOf({ id }: Job, index = 0): JobEvent {
  return { type: 'image', image: { key: `${id}.${index}.png`, index, width: 8, height: 8, seed: 7 + index } };
}

/** A processor whose jobs run until they are let go; those that are cancelled end by themselves. */
class Held {
  readonly begun: Job[] = [];
  readonly #release = new Map<string, () => void>();

  readonly process: JobProcessor = async (job: Job, { signal }: JobRun) => {
    this.begun.push(job);
    await new Promise<void>((resolve, reject) => {
      this.#release.set(job.id, resolve);
      if (signal.aborted) reject(signal.reason);
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  };

  async release({ id }: Job): Promise<void> {
    await until(() => this.#release.has(id));
    this.#release.get(id)?.();
  }
}

async function eventsOf(queue: JobQueue, { id }: Job, after = 0): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  for await (const { event } of queue.events(id, { after })) events.push(event);
  return events;
}
/** Begins to follow a job: resolves once the first event is there, to all of them. */
async function follow(queue: JobQueue, { id }: Job): Promise<() => Promise<JobEvent[]>> {
  const reading = queue.events(id)[Symbol.asyncIterator]();
  const first = await reading.next();
  const rest = (async () => {
    const events: JobEvent[] = first.done === true ? [] : [first.value.event];
    for (let next = await reading.next(); next.done !== true; next = await reading.next())
      events.push(next.value.event);
    return events;
  })();
  return async () => rest;
}
const typesOf = (events: readonly JobEvent[]): string[] => events.map(({ type }) => type);

/** What every queue does. */
export function runQueueConformance(make: QueueMaker): void {
  test('a job is taken in, told of step by step, and known when it is done', async () => {
    const held = new Held();
    const process: JobProcessor = async (job, run) => {
      const { emit } = run;
      await held.process(job, run);
      for (let step = 1; step <= 3; step++) emit({ type: 'step', step, steps: 3 });
      emit(imageOf(job));
      emit(imageOf(job, 1));
    };
    await using tested = await make(process, {});
    const job = someJob();
    expect(await tested.queue.add(job)).toMatchObject(job);
    const numbers: number[] = [];
    const told: JobEvent[] = [];
    for await (const { number, event } of tested.queue.events(job.id)) {
      if (told.length === 0) await held.release(job);
      numbers.push(number);
      told.push(event);
    }
    expect(typesOf(told).filter((type) => type !== 'queued')).toEqual([
      'started',
      'step',
      'step',
      'step',
      'image',
      'image',
      'done',
    ]);
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    const state = await tested.queue.get(job.id);
    expect(state).toMatchObject({ ...job, status: 'done', position: 0, step: 3, steps: 3 });
    expect(state?.images.map(({ key }) => key)).toEqual([`${job.id}.0.png`, `${job.id}.1.png`]);
    expect(state!.finishedAt! >= state!.startedAt!).toBe(true);
    // Who comes late is told the result, who comes back what he has not seen of it.
    expect(typesOf(await eventsOf(tested.queue, job))).toEqual(['image', 'image', 'done']);
    expect(await eventsOf(tested.queue, job, numbers.at(-3))).toEqual([imageOf(job, 1), { type: 'done' }]);
    await until(() => tested.ended.length === 1);
    expect(tested.ended).toEqual([state]);
  });

  test('jobs come one after the other, and are told how many are before them', async () => {
    const held = new Held();
    await using tested = await make(held.process, {});
    const { queue } = tested;
    const jobs = [someJob(), someJob(), someJob()];
    await queue.add(jobs[0]!);
    await until(() => held.begun.length === 1);
    expect((await queue.add(jobs[1]!)).position).toBe(1);
    expect((await queue.add(jobs[2]!)).position).toBe(2);
    expect(await queue.load()).toMatchObject({ queued: 2, running: 1 });
    const told = await follow(queue, jobs[2]!);
    for (const job of jobs) await held.release(job);
    const positions = (await told()).flatMap((event) => (event.type === 'queued' ? [event.position] : []));
    expect(positions.at(0)).toBe(2);
    expect(positions).toContain(1);
    expect(held.begun.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id));
    await until(async () => (await queue.load()).running === 0);
    expect((await queue.load()).retryAfter).toBeGreaterThanOrEqual(1);
  });

  test('a job of one id is there once, and an id of another job is refused', async () => {
    let runs = 0;
    await using tested = await make(async () => void runs++, {});
    const job = someJob({ fingerprint: 'a' });
    const added = await Promise.all([tested.queue.add(job), tested.queue.add(job)]);
    expect(added.map(({ id }) => id)).toEqual([job.id, job.id]);
    await eventsOf(tested.queue, job);
    expect(await tested.queue.add(job)).toMatchObject({ status: 'done' });
    await expect(tested.queue.add({ ...job, fingerprint: 'b' })).rejects.toMatchObject({
      code: 'ERR_IDEMPOTENCY_CONFLICT',
    });
    expect(runs).toBe(1);
  });

  test('one that waits is cancelled at once, one that runs as soon as it can be, one that is over not', async () => {
    const held = new Held();
    await using tested = await make(held.process, {});
    const { queue } = tested;
    const [running, waiting, next] = [someJob(), someJob(), someJob()];
    await queue.add(running);
    await until(() => held.begun.length === 1);
    for (const job of [waiting, next]) await queue.add(job);
    expect(await queue.cancel(waiting.id)).toBe(true);
    expect(await queue.get(waiting.id)).toMatchObject({ status: 'cancelled', error: { code: 'ERR_JOB_CANCELLED' } });
    const told = eventsOf(queue, running);
    expect(await queue.cancel(running.id)).toBe(true);
    expect((await told).at(-1)).toMatchObject({ type: 'error', error: { code: 'ERR_JOB_CANCELLED' } });
    await held.release(next);
    expect((await eventsOf(queue, next)).at(-1)).toEqual({ type: 'done' });
    expect([await queue.cancel(running.id), await queue.cancel(randomUUID())]).toEqual([false, false]);
    expect(held.begun.map(({ id }) => id)).toEqual([running.id, next.id]);
    await until(() => tested.ended.length === 3);
    expect(new Set(tested.ended.map(({ status }) => status))).toEqual(new Set(['cancelled', 'done']));
  });

  test('what goes wrong is told once, by its code or as a fault, and not tried again', async () => {
    const errors = [
      new ThimbleError('ERR_ARGUMENT_INVALID', { argument: 'width', value: 1, expected: 'more' }),
      new ThimbleError('ERR_OUT_OF_MEMORY', { segment: 'unet' }),
      new TypeError('my secret'),
    ];
    let runs = 0;
    await using tested = await make(async () => Promise.reject(errors[runs++]), {});
    const failures = [];
    for (let i = 0; i < errors.length; i++) {
      const job = someJob();
      await tested.queue.add(job);
      failures.push((await eventsOf(tested.queue, job)).at(-1));
    }
    expect(failures).toMatchObject([
      { type: 'error', error: { code: 'ERR_ARGUMENT_INVALID', param: 'width' } },
      { type: 'error', error: { code: 'ERR_OUT_OF_MEMORY' } },
      { type: 'error', error: { code: 'ERR_SERVER_FAULT', message: expect.not.stringContaining('secret') } },
    ]);
    expect(runs).toBe(3);
  });

  test('a full one says when to come again', async () => {
    const held = new Held();
    await using tested = await make(held.process, { maxQueue: 1 });
    const jobs = [someJob(), someJob()];
    await tested.queue.add(jobs[0]!);
    await until(() => held.begun.length === 1);
    await tested.queue.add(jobs[1]!);
    await expect(tested.queue.add(someJob())).rejects.toMatchObject({
      code: 'ERR_JOB_QUEUE_FULL',
      details: { queued: 1, maxQueue: 1, retryAfter: expect.any(Number) },
    });
    for (const job of jobs) await held.release(job);
    for (const job of jobs) await eventsOf(tested.queue, job);
  });

  test('of live previews and of the memory the last one is told to who comes late', async () => {
    const held = new Held();
    const preview = (image: string): JobEvent => ({ type: 'preview', step: 1, steps: 2, images: [image] });
    await using tested = await make(async (job, run) => {
      run.emit({ type: 'memory', bytes: 1 });
      run.emit(preview('a'));
      run.emit(preview('b'));
      run.emit({ type: 'memory', bytes: 2 });
      run.emit({ type: 'step', step: 1, steps: 2 });
      await held.process(job, run);
    }, {});
    const job = someJob({}, { previews: 'live' });
    await tested.queue.add(job);
    await until(async () => (await tested.queue.get(job.id))?.step === 1);
    const told = await follow(tested.queue, job);
    await held.release(job);
    const seen = (await told()).filter(({ type }) => type === 'preview' || type === 'memory');
    expect(seen).toEqual([preview('b'), { type: 'memory', bytes: 2 }]);
  });

  test('who follows a job may leave, and there is none to follow of another id', async () => {
    const held = new Held();
    await using tested = await make(held.process, {});
    const job = someJob();
    await tested.queue.add(job);
    const leaving = new AbortController();
    const followed = (async () => {
      for await (const { event } of tested.queue.events(job.id, { signal: leaving.signal }))
        if (event.type === 'started') setTimeout(() => leaving.abort(new Error('gone')), 20);
    })();
    await expect(followed).rejects.toThrow('gone');
    await held.release(job);
    await eventsOf(tested.queue, job);
    expect(await tested.queue.get(randomUUID())).toBeUndefined();
    await expect((async () => eventsOf(tested.queue, someJob()))()).rejects.toMatchObject({ code: 'ERR_JOB_UNKNOWN' });
  });

  test('is drained once nobody here waits for a job', async () => {
    const held = new Held();
    await using tested = await make(held.process, {});
    const job = someJob();
    await tested.queue.add(job);
    const told = eventsOf(tested.queue, job);
    await until(() => held.begun.length === 1);
    const order: string[] = [];
    const drained = tested.queue.drained().then(() => order.push('drained'));
    await sleep(50);
    order.push('released');
    await held.release(job);
    await Promise.all([told, drained]);
    expect(order).toEqual(['released', 'drained']);
  });

  test('forgets jobs a while after their end', async () => {
    await using tested = await make(async () => undefined, { retain: 100 });
    const job = someJob();
    await tested.queue.add(job);
    await until(async () => (await tested.queue.get(job.id)) === undefined);
    expect(await tested.queue.cancel(job.id)).toBe(false);
  });
}
