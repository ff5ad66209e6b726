import { existsSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Tensor } from 'onnxruntime-common';
import { ProcessDevice } from '../../src/device/ProcessDevice.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { openComponent } from '../support/openComponent.js';

/** Debian's chromium ships a Vulkan driver that computes on the CPU. */
const SWIFTSHADER = '/usr/lib/chromium/vk_swiftshader_icd.json';

function hasVulkan(): boolean {
  return existsSync(SWIFTSHADER) && execFileSync('ldconfig', ['-p'], { encoding: 'utf8' }).includes('libvulkan.so');
}

(hasVulkan() ? describe : describe.skip)('webgpu on SwiftShader', () => {
  const before = process.env['VK_DRIVER_FILES'];
  beforeAll(() => {
    process.env['VK_DRIVER_FILES'] = SWIFTSHADER;
  });
  afterAll(() => {
    if (before === undefined) delete process.env['VK_DRIVER_FILES'];
    else process.env['VK_DRIVER_FILES'] = before;
  });

  test('encodes a prompt as the CPU does', async () => {
    const device = new ProcessDevice({ provider: 'webgpu' });
    try {
      const fixture = await FixtureCase.open('sd-tiny');
      const encoder = await openComponent(fixture.folder, 'text_encoder', { device });
      const { last_hidden_state: state } = await encoder.call(await fixture.inputs('text_encoder'));
      expect(await fixture.excess('text_encoder', 'last_hidden_state', state as Tensor)).toBeLessThan(10);
    } finally {
      await device.dispose();
    }
  }, 120_000);
});

test('a provider that is not there is said to be missing', async () => {
  const device = new ProcessDevice({ provider: 'cuda' });
  try {
    const fixture = await FixtureCase.open('sd-tiny');
    const encoder = await openComponent(fixture.folder, 'text_encoder', { device });
    const outcome = await encoder.call(await fixture.inputs('text_encoder')).then(
      () => 'cuda is here',
      (error: unknown) => (error as { code: string }).code,
    );
    expect(['cuda is here', 'ERR_DEVICE_UNAVAILABLE']).toContain(outcome);
  } finally {
    await device.dispose();
  }
});
