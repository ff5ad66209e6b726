import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import type { Component } from '../../src/execution/Component.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { fixturePath } from '../support/fixturePath.js';
import { openComponent } from '../support/openComponent.js';

const MID = 'mid_block_additional_residual';
const isResidual = (name: string): boolean => name.includes('additional_residual');

describe('residuals that are fed to the UNet', () => {
  let fixture: FixtureCase;
  let unet: Component;
  let inputs: Record<string, Tensor>;
  let plain: Record<string, Tensor>;

  beforeAll(async () => {
    fixture = await FixtureCase.open('sd-tiny-residuals');
    unet = await openComponent(fixturePath('sd-tiny'), 'unet');
    inputs = await fixture.inputs('unet.residuals');
    plain = Object.fromEntries(Object.entries(inputs).filter(([name]) => !isResidual(name)));
  });
  afterAll(async () => unet.unload());

  const sampleOf = async (given: Record<string, Tensor>): Promise<Float32Array> =>
    (await unet.call(given))['sample']!.data as Float32Array;

  test('give what diffusers gives, in one message and segment by segment', async () => {
    expect(Object.keys(inputs).filter(isResidual)).toHaveLength(10);
    const whole = await unet.call(inputs);
    expect(await fixture.excess('unet.residuals', 'sample', whole['sample']!)).toBeLessThanOrEqual(1);
    using tap = unet.hooks.afterSegment.tap('watch', () => undefined);
    void tap;
    expect(await sampleOf(inputs)).toEqual(whole['sample']!.data);
  });

  test('each count, and leave nothing behind', async () => {
    const before = await sampleOf(plain);
    for (const name of Object.keys(inputs).filter(isResidual))
      expect(await sampleOf({ ...plain, [name]: inputs[name]! })).not.toEqual(before);
    expect(await sampleOf(plain)).toEqual(before);
  });

  test('are the same as zeros where they are left out', async () => {
    const zeros = Object.fromEntries(
      Object.entries(inputs).map(([name, tensor]) => [
        name,
        isResidual(name) && name !== MID ? new Tensor('float32', new Float32Array(tensor.size), tensor.dims) : tensor,
      ]),
    );
    expect(await sampleOf({ ...plain, [MID]: inputs[MID]! })).toEqual(await sampleOf(zeros));
  });

  test('of one sample are those of all samples', async () => {
    const twice = (tensor: Tensor): Tensor =>
      new Tensor('float32', Float32Array.from([...(tensor.data as Float32Array), ...(tensor.data as Float32Array)]), [
        2,
        ...tensor.dims.slice(1),
      ]);
    const both = {
      ...inputs,
      sample: twice(inputs['sample']!),
      encoder_hidden_states: twice(inputs['encoder_hidden_states']!),
    };
    const [one, two] = [await sampleOf(inputs), await sampleOf(both)];
    for (const [i, value] of two.entries()) expect(value).toBeCloseTo(one[i % one.length]!, 4);
  });

  test.each([3, 'noise', [1, 2]])('a sample that is %j is refused', async (sample) => {
    await expect(unet.call({ ...plain, sample: sample as never })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      details: { input: 'sample', got: typeof sample },
    });
  });

  test.each([
    [
      'of another height',
      'down_block_additional_residuals.4',
      [1, 40, 4, 4],
      'float32 [batch = 1, 40, height/2 = 3, width/2]',
    ],
    [
      'of another level',
      'down_block_additional_residuals.3',
      [1, 24, 5, 7],
      'float32 [batch = 1, 24, height/2 = 3, width/2]',
    ],
    ['for more samples than there are', MID, [2, 40, 2, 2], 'float32 [batch = 1, 40, height/4, width/4]'],
    ['that the model does not have', 'down_block_additional_residuals.9', [1, 40, 2, 2], /encoder_hidden_states/],
  ])('%s are refused', async (_, name, dims, expected) => {
    const tensor = new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
    await expect(unet.call({ ...plain, [name]: tensor })).rejects.toMatchObject({
      code: 'ERR_INPUT_INVALID',
      details: {
        component: 'unet',
        input: name,
        expected: typeof expected === 'string' ? expected : expect.stringMatching(expected),
      },
    });
  });
});
