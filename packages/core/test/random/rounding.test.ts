import { describe, expect, test } from '@jest/globals';
import { randomSeed } from '../../src/random/TorchGenerator.js';
import { roundToBfloat16, roundToFloat16 } from '../../src/random/roundTo16Bits.js';

describe('roundToFloat16', () => {
  test.each([
    [0.1, 0.0999755859375],
    [-1.0004882812, -1],
    [1.00048828125, 1],
    [1.00146484375, 1.001953125],
    [65519.99, 65504],
    [65520, Infinity],
    [2 ** -24, 2 ** -24],
    [2 ** -25, 0],
    [3 * 2 ** -25, 2 ** -23],
    [6.1e-5, 6.097555160522461e-5],
    [0, 0],
    [-Infinity, -Infinity],
  ])('%p becomes %p', (x, expected) => expect(roundToFloat16(x)).toBe(expected));

  test('keeps NaN', () => expect(roundToFloat16(Number.NaN)).toBeNaN());
});

describe('roundToBfloat16', () => {
  test.each([
    [0.1, 0.10009765625],
    [1.00390625, 1],
    [1.01171875, 1.015625],
    [-3.3, -3.296875],
    [3.4e38, Infinity],
    [0, 0],
  ])('%p becomes %p', (x, expected) => expect(roundToBfloat16(x)).toBe(expected));

  test('keeps NaN', () => expect(roundToBfloat16(Number.NaN)).toBeNaN());
});

test('randomSeed gives integers below 2^32, not always the same', () => {
  const seeds = Array.from({ length: 8 }, randomSeed);
  expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32)).toBe(true);
  expect(new Set(seeds).size).toBeGreaterThan(1);
});
