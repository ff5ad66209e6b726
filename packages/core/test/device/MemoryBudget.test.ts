import { expect, test } from '@jest/globals';
import { MemoryBudget } from '../../src/device/MemoryBudget.js';

const MB = 2 ** 20;

test.each([
  ['none', undefined, 32 * MB, 'keep', Infinity],
  ['4GB', 4096 * MB, 32 * MB, 'keep', Infinity],
  ['1.5 gb', 1536 * MB, 32 * MB, 'keep', Infinity],
  [512 * MB, 512 * MB, Math.floor(512 * MB / 24), 'trim', 1],
  ['192MB', 192 * MB, 8 * MB, 'return', 1],
  ['64MB', 64 * MB, 4 * MB, 'return', 1],
])('a limit of %s', (limit, bytes, transientBytes, allocator, maxBatch) => {
  const budget = MemoryBudget.of(limit);
  expect({ limit: budget.limit, transientBytes: budget.transientBytes, allocator: budget.allocator, maxBatch: budget.maxBatch })
    .toEqual({ limit: bytes, transientBytes, allocator, maxBatch });
});

test.each([0, -1, NaN, '192', '12 monkeys', '', 'MB'].filter((limit) => limit !== '192'))('refuses a limit of %j', (limit) => {
  expect(() => MemoryBudget.of(limit)).toThrow(expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', details: expect.objectContaining({ argument: 'memoryLimit' }) }));
});

test('a text without a unit is bytes', () => {
  expect(MemoryBudget.of('201326592').limit).toBe(192 * MB);
});
