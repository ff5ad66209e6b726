import { expect, test } from '@jest/globals';
import { WorkerChild } from '../../src/device/WorkerChild.js';

/** Processes that keep this one alive. */
function heldProcesses(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'ProcessWrap').length;
}

test('a child whose end is waited for is held, though its last answer comes meanwhile: the program ended before, in the middle of dispose()', async () => {
  const others = heldProcesses();
  const child = new WorkerChild([], process.env, () => undefined);
  child.release();
  expect(heldProcesses()).toBe(others);
  const ended = child.end();
  child.release();
  expect(heldProcesses()).toBe(others + 1);
  await ended;
});
