import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import type { Device } from '../../src/device/Device.js';
import { InlineDevice } from '../../src/device/InlineDevice.js';
import { ProcessDevice } from '../../src/device/ProcessDevice.js';
import type { SampleRows } from '../../src/hooks/calls/SampleRows.js';
import { createHooks } from '../../src/hooks/manifest.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { openComponent } from '../support/openComponent.js';

let fixture: FixtureCase;
let device: Device;

beforeAll(async () => {
  fixture = await FixtureCase.open('cogvideox-tiny');
});
afterEach(async () => {
  await device.dispose();
});

describe('what passes from piece to piece of a video', () => {
  test.each([
    ['in this process', () => new InlineDevice({ provider: 'cpu' })],
    ['in a child', () => new ProcessDevice({ provider: 'cpu' })],
  ])('is gone from the device afterwards, %s', async (_, make) => {
    device = make();
    const vae = await openComponent(fixture.folder, 'vae', { device });
    const { z } = await fixture.inputs('vae.decode.5');
    const { sample } = await vae.decode({ z: z as Tensor });
    expect(await fixture.excess('vae.decode.5', 'sample', sample)).toBeLessThanOrEqual(1);
    expect((await device.usage()).tensors).toBe(0);
  });

  test('goes through the segment hooks as named tensors', async () => {
    device = new InlineDevice({ provider: 'cpu' });
    const hooks = createHooks();
    const seen: string[][] = [];
    hooks.beforeSegment.tap('look', ({ segment, inputs }) => {
      if (segment === 'decoder.mid_block.resnets.0') seen.push(Object.keys(inputs));
    });
    const vae = await openComponent(fixture.folder, 'vae', { device, hooks });
    const { z } = await fixture.inputs('vae.decode.5');
    const { sample } = await vae.decode({ z: z as Tensor });
    const cache = ['conv_cache.decoder.mid_block.resnets.0.conv1', 'conv_cache.decoder.mid_block.resnets.0.conv2'];
    expect(seen).toEqual([
      ['x', 'latents'],
      ['x', 'latents', ...cache],
    ]);
    expect(await fixture.excess('vae.decode.5', 'sample', sample)).toBeLessThanOrEqual(1);
    expect((await device.usage()).tensors).toBe(0);
  });

  test('is freed when a decoding fails half way, and the next one starts afresh', async () => {
    device = new InlineDevice({ provider: 'cpu' });
    const hooks = createHooks();
    let calls = 0;
    const tap = hooks.beforeSegment.tap('fail', ({ segment }) => {
      if (segment === 'decoder.conv_out' && ++calls === 2) throw new RangeError('stop');
    });
    const vae = await openComponent(fixture.folder, 'vae', { device, hooks });
    const { z } = await fixture.inputs('vae.decode.5');
    await expect(vae.decode({ z: z as Tensor })).rejects.toThrow('stop');
    expect((await device.usage()).tensors).toBe(0);
    tap[Symbol.dispose]();
    expect(
      await fixture.excess('vae.decode.5', 'sample', (await vae.decode({ z: z as Tensor })).sample),
    ).toBeLessThanOrEqual(1);
  });
});

test('frames are handed on as they are decoded', async () => {
  device = new InlineDevice({ provider: 'cpu' });
  const vae = await openComponent(fixture.folder, 'vae', { device });
  const { z } = await fixture.inputs('vae.decode.5');
  const parts: SampleRows[] = [];
  await vae.decodeRows({ z: z as Tensor }, (part) => void parts.push(part));
  expect(parts.map(({ frame, rows }) => [frame, rows.dims])).toEqual([
    [0, [1, 3, 9, 32, 40]],
    [9, [1, 3, 8, 32, 40]],
  ]);
});

test('a batch is decoded as its videos are', async () => {
  device = new InlineDevice({ provider: 'cpu' });
  const vae = await openComponent(fixture.folder, 'vae', { device });
  const { z } = await fixture.inputs('vae.decode.3');
  const twice = new Tensor('float32', Float32Array.from([...(z!.data as Float32Array), ...(z!.data as Float32Array)]), [
    2,
    ...z!.dims.slice(1),
  ]);
  const { sample } = await vae.decode({ z: twice });
  const half = sample.size / 2;
  for (const start of [0, half]) {
    const one = new Tensor('float32', (sample.data as Float32Array).slice(start, start + half), [
      1,
      ...sample.dims.slice(1),
    ]);
    expect(await fixture.excess('vae.decode.3', 'sample', one)).toBeLessThanOrEqual(1);
  }
});
