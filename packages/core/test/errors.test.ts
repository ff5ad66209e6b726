import { describe, expect, test } from '@jest/globals';
import { defineErrors, isThimbleError, ThimbleError } from '../src/errors.js';

describe('ThimbleError', () => {
  test('says what, where and what to do, and is found by its code', () => {
    const error = new ThimbleError('ERR_ARGUMENT_INVALID', {
      argument: 'width',
      value: 13,
      expected: 'a multiple of 8',
    });
    expect(error.message).toBe('"width" is 13; expected a multiple of 8.');
    expect(isThimbleError(error, 'ERR_ARGUMENT_INVALID')).toBe(true);
    expect(isThimbleError(error, 'ERR_CONFIG_INVALID')).toBe(false);
    expect(isThimbleError(new Error('x'))).toBe(false);
  });
});

describe('defineErrors', () => {
  const PruneError = defineErrors(
    'me:prune',
    {
      ERR_PRUNE_RATIO: {
        message: (d: { ratio: number }): string => `ratio is ${d.ratio}; expected a number from 0 to 1.`,
      },
      ERR_PRUNE_EMPTY: { message: (d: { layers: readonly string[] }): string => `nothing left of ${d.layers.join()}` },
    },
    { docs: 'https://example.org/errors' },
  );

  test("makes errors that are as good as core's", () => {
    const cause = new Error('why');
    const error: unknown = new PruneError('ERR_PRUNE_RATIO', { ratio: 2 }, { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'ThimbleError',
      code: 'ERR_PRUNE_RATIO',
      message: 'ratio is 2; expected a number from 0 to 1.',
      details: { ratio: 2 },
      docs: 'https://example.org/errors#err_prune_ratio',
      cause,
    });
    expect(isThimbleError(error)).toBe(true);
    expect(isThimbleError(error, 'ERR_PRUNE_RATIO')).toBe(true);
    expect(isThimbleError(error, 'ERR_PRUNE_EMPTY')).toBe(false);
  });

  test('knows its own, with their details', () => {
    const error: unknown = new PruneError('ERR_PRUNE_RATIO', { ratio: 2 });
    if (!PruneError.is(error, 'ERR_PRUNE_RATIO')) throw error;
    expect(error.details.ratio).toBe(2);
    expect(PruneError.is(error)).toBe(true);
    expect(PruneError.is(new ThimbleError('ERR_DISPOSED', { object: 'x' }))).toBe(false);
    expect(PruneError.is(new Error('x'))).toBe(false);
  });

  test('checks details and codes at compile time', () => {
    // @ts-expect-error: the details of another code
    expect(new PruneError('ERR_PRUNE_EMPTY', { layers: ['a'], ratio: 2 }).message).toBe('nothing left of a');
    // @ts-expect-error: no such code
    expect(() => new PruneError('ERR_PRUNE_OTHER', { ratio: 2 })).toThrow(TypeError);
  });

  test.each([
    ['', { ERR_X: { message: () => '' } }, 'author'],
    ['me', { err_x: { message: () => '' } }, 'code'],
    ['me', { ERR_DISPOSED: { message: () => '' } }, 'code'],
  ])('refuses %j with %j', (author, definitions, argument) => {
    expect(() => defineErrors(author, definitions as Parameters<typeof defineErrors>[1])).toThrow(
      expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', details: expect.objectContaining({ argument }) }),
    );
  });
});
