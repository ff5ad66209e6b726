import { describe, expect, test } from '@jest/globals';
import { Wrapping } from '../../src/hooks/engine/Wrapping.js';

const brackets = (name: string) => (next: (input: string) => Promise<string>) => async (input: string) =>
  `${name}(${await next(`${input}${name}`)})`;

describe('Wrapping', () => {
  test('puts the first wrapper outermost', async () => {
    const wrapping = new Wrapping<string, string>();
    const { wrap } = wrapping;
    wrap(brackets('a'));
    wrap(brackets('b'));
    await expect(wrapping.run(async (input) => `[${input}]`, '0')).resolves.toBe('a(b([0ab]))');
  });

  test('runs the call itself without wrappers', async () => {
    await expect(new Wrapping<number, number>().run(async (n) => n + 1, 1)).resolves.toBe(2);
  });

  test('lets a wrapper split its input, each part through the wrappers inside', async () => {
    const wrapping = new Wrapping<string, string>();
    wrapping.wrap((next) => async (input) => (await Promise.all(input.split('').map(next))).join('|'));
    wrapping.wrap((next) => async (input) => (await next(input)).toUpperCase());
    await expect(wrapping.run(async (input) => `${input}${input}`, 'abc')).resolves.toBe('AA|BB|CC');
  });

  test('lets a wrapper not call at all', async () => {
    const wrapping = new Wrapping<string, string>();
    wrapping.wrap(() => async () => 'mine');
    await expect(wrapping.run(() => Promise.reject(new Error('called')), 'x')).resolves.toBe('mine');
  });

  test('rejects with what is thrown, unchanged, also synchronously', async () => {
    const error = new Error('boom');
    const inner = new Wrapping<string, string>();
    inner.wrap((next) => next);
    await expect(inner.run(() => Promise.reject(error), 'x')).rejects.toBe(error);
    const outer = new Wrapping<string, string>();
    outer.wrap(() => {
      throw error;
    });
    await expect(outer.run(async (input) => input, 'x')).rejects.toBe(error);
  });

  test('says how to write a wrapper that is none, or comes too late', async () => {
    const wrapping = new Wrapping<string, string>();
    expect(() => wrapping.wrap('x' as never)).toThrow('wrap((next) => async (input) => next(input))');
    wrapping.wrap((async () => 'result') as never);
    await expect(wrapping.run(async (input) => input, 'x')).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
    expect(() => wrapping.wrap(brackets('late'))).toThrow('the call has begun');
  });
});
