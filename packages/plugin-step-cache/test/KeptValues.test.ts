import { expect, test } from '@jest/globals';
import { KeptValues } from '../src/KeptValues.js';

const values = (...list: number[]): readonly Float32Array[] => [Float32Array.from(list)];

test('order 0 takes the last one', () => {
  const kept = new KeptValues(0);
  expect(kept.lastStep).toBeUndefined();
  expect(() => kept.at(0)).toThrow(RangeError);
  kept.keep(0, values(1, 2));
  kept.keep(3, values(4, 8));
  expect(kept.lastStep).toBe(3);
  expect(kept.at(5)).toEqual(values(4, 8));
});

test('order 1 goes on along the line', () => {
  const kept = new KeptValues(1);
  kept.keep(0, values(1, 2));
  expect(kept.at(1)).toEqual(values(1, 2));
  kept.keep(2, values(2, 0));
  expect(kept.at(3)).toEqual(values(2.5, -1));
  kept.keep(4, values(6, 0));
  expect(kept.at(5)).toEqual(values(8, 0));
});
