import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import type { Model } from '../../../src/models/Model.js';
import { UNet2DConditionModel } from '../../../src/models/UNet2DConditionModel.js';
import { ZImageTransformer2DModel } from '../../../src/models/ZImageTransformer2DModel.js';
import { originalLayouts } from '../../../src/weights/families/originalLayouts.js';
import { fixturePath } from '../../support/fixturePath.js';

function shapesOf(model: Model): ReadonlyMap<string, readonly number[]> {
  return new Map(model.parameters.map(({ key, shape }) => [key, shape]));
}

function configOf(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(`${fixturePath(path)}/config.json`, 'utf8')) as Record<string, unknown>;
}

test('the names of weights in original files follow from the model alone', () => {
  const unet = originalLayouts(shapesOf(UNet2DConditionModel.fromConfig(configOf('sd-tiny/unet'))));
  expect(unet.map((layout) => layout.get('down_blocks.0.resnets.0.conv1.weight')?.key)).toEqual([
    'input_blocks.1.0.in_layers.2.weight',
  ]);
  const zImage = originalLayouts(shapesOf(ZImageTransformer2DModel.fromConfig(configOf('z-image-tiny/transformer'))));
  expect(zImage.map((layout) => layout.get('layers.1.attention.to_v.weight'))).toEqual([
    { key: 'layers.1.attention.qkv.weight', rows: [96, 48] },
  ]);
});

test('a model of no known layout has none', () => {
  expect(originalLayouts(new Map([['somewhere.weight', [2, 2]]]))).toEqual([]);
});
