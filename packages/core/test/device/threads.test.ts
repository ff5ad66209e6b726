import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { expect, test } from '@jest/globals';
import { fixturePath } from '../support/fixturePath.js';

const SCRIPT = new URL('./deviceInThread.mjs', import.meta.url);

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Whether a process is gone after a while: not even its entry is there. */
async function isGone(pid: number): Promise<boolean> {
  for (let i = 0; i < 600 && isAlive(pid); i++) await sleep(50);
  return !isAlive(pid);
}

test.each([
  'is terminated while it runs',
  'is terminated while it waits',
  'fails',
  'calls process.exit',
  'comes to its end',
  'disposes',
])('the process of a device is gone when the thread that made it %s', async (how) => {
  const worker = new Worker(SCRIPT, { workerData: { folder: fixturePath('sd-tiny'), how } });
  worker.on('error', () => undefined);
  const ended = new Promise((resolve) => {
    worker.on('exit', resolve);
  });
  const [{ pid, size }] = (await once(worker, 'message')) as [{ pid: number; size: number }];
  expect(size).toBe(3 * 128 * 128);
  await sleep(100);
  if (how.startsWith('is terminated')) await worker.terminate();
  await ended;
  expect(await isGone(pid)).toBe(true);
});

test('a thread is told how the process of its device ended', async () => {
  const worker = new Worker(SCRIPT, { workerData: { folder: fixturePath('sd-tiny'), how: 'is told of a crash' } });
  const told: unknown[] = [];
  worker.on('message', (message) => told.push(message));
  await once(worker, 'exit');
  expect(told[1]).toEqual({ code: 'ERR_DEVICE_CRASHED', reason: 'signal SIGKILL' });
});
