import { getEventListeners } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { DiffusionPipeline } from '@thimble/core';
import { testCheckpoint } from '@thimble/plugin-testkit';
import { linkSignals } from '../src/linkSignals.js';

/** What Node keeps with a signal of those that `AbortSignal.any` made of it. */
function dependants(signal: AbortSignal): number {
  const symbol = Object.getOwnPropertySymbols(signal).find((each) => String(each).includes('kDependantSignals'));
  const known: unknown = symbol === undefined ? undefined : Reflect.get(signal, symbol);
  return known instanceof Set ? known.size : 0;
}

describe('a signal that follows others', () => {
  test('aborts with the first of them, for its reason, and with one that was aborted before', () => {
    const [first, second] = [new AbortController(), new AbortController()];
    using linked = linkSignals([first.signal, undefined, second.signal]);
    expect(linked.aborted).toBe(false);
    second.abort('enough');
    first.abort('later');
    expect(linked.reason).toBe('enough');
    using late = linkSignals([first.signal]);
    expect(late.reason).toBe('later');
  });

  test('follows nobody any more when it is disposed of', () => {
    const source = new AbortController();
    const linked = linkSignals([source.signal]);
    linked[Symbol.dispose]();
    source.abort();
    expect(linked.aborted).toBe(false);
  });

  test('adds one listener to a source, however many follow it', () => {
    const source = new AbortController();
    const linked = Array.from({ length: 30 }, () => linkSignals([source.signal]));
    expect(getEventListeners(source.signal, 'abort')).toHaveLength(1);
    source.abort('all');
    expect(linked.map(({ reason }): unknown => reason)).toEqual(linked.map(() => 'all'));
  });
});

test('runs leave nothing with a signal that outlives them', async () => {
  await using pipe = await DiffusionPipeline.fromPretrained(testCheckpoint);
  const { signal } = new AbortController();
  for (let i = 0; i < 3; i++)
    await pipe.generate('a red apple', { width: 64, height: 64, numInferenceSteps: 1, outputType: 'latent', signal });
  expect(dependants(signal)).toBe(0);
  expect(getEventListeners(signal, 'abort').length).toBeLessThanOrEqual(1);
});
