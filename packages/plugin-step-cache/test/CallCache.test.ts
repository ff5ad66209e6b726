import { expect, test } from '@jest/globals';
import { Tensor } from '@thimble/core';
import type { NamedTensors } from '@thimble/core/plugin';
import { CallCache } from '../src/CallCache.js';

const tensor = (dims: readonly number[], value: number): Tensor =>
  new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)).fill(value), dims);
const inputs = (latents: number, text: number, more: NamedTensors = {}): NamedTensors => ({
  sample: tensor([2, 4, 8, 8], latents),
  timestep: tensor([1], 100 * latents),
  encoder_hidden_states: tensor([2, 7, 4], text),
  ...more,
});

test.each([
  ['other latents and the same text', inputs(2, 1), true],
  [
    'a timestep between whole ones',
    { ...inputs(2, 1), timestep: new Tensor('int64', BigInt64Array.of(7n), [1]) },
    true,
  ],
  ['another text', inputs(2, 3), false],
  ['another batch', { ...inputs(2, 1), sample: tensor([1, 4, 8, 8], 2) }, false],
  ['residuals that were not there', inputs(2, 1, { mid_block_additional_residual: tensor([2, 4], 1) }), false],
])('a call with %s', (_what, later, alike) => {
  const call = new CallCache(inputs(1, 1), { skipped: new Set(), bridge: '' }, { interval: 2, threshold: 0, order: 0 });
  call.begin(0, 5);
  expect(call.matches(later, 0)).toBe(false);
  expect(call.matches(later, 1)).toBe(alike);
});

test('residuals are others in each step', () => {
  const residual = (value: number): NamedTensors => ({ 'down_block_additional_residuals.3': tensor([2, 4], value) });
  const call = new CallCache(
    inputs(1, 1, residual(1)),
    { skipped: new Set(), bridge: '' },
    { interval: 2, threshold: 0, order: 0 },
  );
  expect(call.matches(inputs(2, 1, residual(2)), 1)).toBe(true);
});
