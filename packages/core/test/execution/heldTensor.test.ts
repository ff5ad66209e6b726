import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Tensor } from 'onnxruntime-common';
import { createDevice } from '../../src/device/createDevice.js';
import type { Device } from '../../src/device/Device.js';
import { MemoryBudget } from '../../src/device/MemoryBudget.js';
import { concatBatch } from '../../src/execution/batch.js';
import type { Component } from '../../src/execution/Component.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { fixturePath } from '../support/fixturePath.js';
import { openComponent } from '../support/openComponent.js';

const HELD = { preferredOutputLocation: 'ml-tensor' } as const;
const devices: Device[] = [];
let inputs: Record<string, Tensor>;

const open = (inline: boolean): Device => {
  const device = createDevice({ provider: 'cpu', inline });
  devices.push(device);
  return device;
};
const unetOn = async (device: Device, budget?: MemoryBudget): Promise<Component> =>
  openComponent(fixturePath('sd-tiny'), 'unet', { device, ...(budget && { budget }) });
const sampleOf = async (unet: Component, sample: Tensor): Promise<Float32Array> =>
  (await unet.call({ ...inputs, sample }))['sample']!.data as Float32Array;

beforeAll(async () => {
  const fixture = await FixtureCase.open('sd-tiny-residuals');
  const all = await fixture.inputs('unet.residuals');
  inputs = Object.fromEntries(Object.entries(all).filter(([name]) => !name.includes('residual')));
});
afterEach(async () => {
  for (const device of devices.splice(0)) await device.dispose();
});

describe.each([
  ['a process of its own', false],
  ['this process', true],
])('outputs on a device in %s', (_, inline) => {
  test('feed a call, come here when they are asked for, and are freed, segment by segment too', async () => {
    const device = open(inline);
    const unet = await unetOn(device);
    const { sample: local } = (await unet.call(inputs)) as { sample: Tensor };
    const twice = await sampleOf(unet, local);
    for (const hooked of [false, true]) {
      using tap = hooked ? unet.hooks.afterSegment.tap('watch', () => undefined) : undefined;
      void tap;
      const { sample } = (await unet.call(inputs, HELD)) as { sample: Tensor };
      expect([sample.location, sample.type, sample.dims]).toEqual(['ml-tensor', 'float32', local.dims]);
      expect(() => sample.data).toThrow(/getData/);
      expect(await device.usage()).toMatchObject({ tensors: 1 });
      expect(await sampleOf(unet, sample)).toEqual(twice);
      expect(await sample.getData()).toEqual(local.data);
      expect(await sampleOf(unet, sample)).toEqual(twice);
      sample.dispose();
      expect(await device.usage()).toMatchObject({ tensors: 0 });
    }
  });
});

test('what a hook makes fail after the call leaves nothing on the device', async () => {
  const device = open(true);
  const unet = await unetOn(device);
  unet.hooks.afterModelCall.tap('fail', () => {
    throw new Error('enough');
  });
  await expect(unet.call(inputs, HELD)).rejects.toThrow('enough');
  expect(await device.usage()).toMatchObject({ tensors: 0 });
});

test('an output on another device is brought over', async () => {
  const [one, other] = [await unetOn(open(true)), await unetOn(open(false))];
  const { sample } = (await one.call(inputs, HELD)) as { sample: Tensor };
  expect(await sampleOf(other, sample)).toEqual(await sampleOf(other, (await one.call(inputs))['sample'] as Tensor));
  expect(await one.device.usage()).toMatchObject({ tensors: 0 });
});

test('a batch that a memory limit cuts is put together here, of an input on the device too', async () => {
  const device = open(true);
  const [limited, free] = [await unetOn(device, new MemoryBudget(256 * 2 ** 20)), await unetOn(device)];
  const two = (name: string): Tensor => concatBatch([inputs[name]!, inputs[name]!]);
  const both = { ...inputs, sample: two('sample'), encoder_hidden_states: two('encoder_hidden_states') };
  const { sample: cut } = (await limited.call(both, HELD)) as { sample: Tensor };
  expect(cut.location).toBe('cpu');
  const { sample: whole } = (await free.call(both, HELD)) as { sample: Tensor };
  expect(whole.location).toBe('ml-tensor');
  const { sample } = await limited.call({ ...both, sample: whole });
  const { sample: same } = await limited.call({ ...both, sample: whole });
  expect(sample!.dims).toEqual(cut.dims);
  expect(sample!.data).toEqual(same!.data);
  expect(await device.usage()).toMatchObject({ tensors: 0 });
});
