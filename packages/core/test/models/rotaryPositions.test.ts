import { expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { rotaryPositions } from '../../src/models/blocks/rotaryPositions.js';
import { FixtureCase } from '../support/FixtureCase.js';

test.each([
  ['transformer.2x3x6x8.t499.rope', 3, 3, 4],
  ['transformer.1x2x4x12.t7.rope', 2, 2, 6],
])('%s: the tables are those of diffusers', async (name, frames, height, width) => {
  const fixture = await FixtureCase.open('cogvideox-rope-tiny');
  const { cosines, sines } = rotaryPositions(16, { frames, height, width }, { height: 3, width: 4 });
  // diffusers holds each number twice, for both features of a pair.
  const twice = (data: readonly number[]): Tensor =>
    new Tensor('float32', Float32Array.from(data.flatMap((x) => [x, x])), [data.length / 8, 16]);
  expect(await fixture.excess(name, 'cos', twice(cosines))).toBeLessThanOrEqual(1);
  expect(await fixture.excess(name, 'sin', twice(sines))).toBeLessThanOrEqual(1);
});
