import { expect, test } from '@jest/globals';
import { Endings } from '../../src/hooks/engine/Endings.js';

function given(failing: readonly string[] = []): { readonly endings: Endings; readonly done: string[] } {
  const [endings, done] = [new Endings(), [] as string[]];
  for (const name of ['first', 'second', 'third'])
    endings.onEnd(async () => {
      await Promise.resolve();
      done.push(name);
      if (failing.includes(name)) throw new Error(`${name} failed`);
    });
  return { endings, done };
}

test('after what is computed, the first one last', async () => {
  const { endings, done } = given();
  expect(await endings.after(async () => `computed after ${done.length}`)).toBe('computed after 0');
  expect(done).toEqual(['third', 'second', 'first']);
});

test.each([
  ['what is computed fails', [], 'computing failed'],
  ['one of them fails too', ['second'], 'computing failed'],
])('all of them where %s', async (_, failing, message) => {
  const { endings, done } = given(failing);
  const failed = endings.after(async () => {
    throw new Error('computing failed');
  });
  await expect(failed).rejects.toThrow(message);
  expect(done).toEqual(['third', 'second', 'first']);
});

test('the first failure of theirs is thrown once all are done', async () => {
  const { endings, done } = given(['third', 'first']);
  await expect(endings.after(async () => 1)).rejects.toThrow('third failed');
  expect(done).toEqual(['third', 'second', 'first']);
});

test('what is no function, and what comes too late, is refused', async () => {
  const { endings } = given();
  expect(() => endings.onEnd('x' as never)).toThrow('onEnd(async () => …)');
  await endings.after(async () => 1);
  expect(() => endings.onEnd(() => undefined)).toThrow('the call has begun');
});
