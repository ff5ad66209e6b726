import { describe, expect, test } from '@jest/globals';
import { isThimbleError, ThimbleError } from '../src/errors.js';

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
