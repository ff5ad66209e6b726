import { expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { createHooks } from '../../src/hooks/manifest.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { openComponent } from '../support/openComponent.js';

const latents = (side: number): Tensor => new Tensor('float32', new Float32Array(4 * side * side), [1, 4, side, side]);

test('calls of one component that overlap run one after the other, even if they are of different sizes', async () => {
  const { folder } = await FixtureCase.open('sd-tiny');
  const hooks = createHooks();
  const vae = await openComponent(folder, 'vae', { hooks });
  let inside = 0;
  let most = 0;
  hooks.beforeSegment.tap('count', async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setTimeout(resolve, 1));
    inside--;
  });
  const results = await Promise.all([vae.decode({ z: latents(8) }), vae.decode({ z: latents(16) }), vae.decode({ z: latents(8) })]);
  expect(results.map(({ sample }) => sample.dims)).toEqual([[1, 3, 64, 64], [1, 3, 128, 128], [1, 3, 64, 64]]);
  expect(most).toBe(1);
});
