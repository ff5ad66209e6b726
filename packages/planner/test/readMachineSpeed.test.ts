import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, jest, test } from '@jest/globals';
import { createDevice } from '@thimble/core/plugin';
import { testCheckpoint } from '@thimble/plugin-testkit';
import { readMachineSpeed } from '../src/time/readMachineSpeed.js';

test('a machine is measured once, and kept with what it is; a file that is no such thing is measured again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'thimble-speed-'));
  const before = process.env['THIMBLE_CACHE'];
  process.env['THIMBLE_CACHE'] = folder;
  const device = createDevice({ provider: 'cpu', threads: 1 });
  try {
    const load = jest.spyOn(device, 'load');
    const file = join(testCheckpoint, 'unet', 'diffusion_pytorch_model.safetensors');
    const speed = await readMachineSpeed({ device, file });
    for (const rate of [speed.float32, speed.int8, speed.read]) expect(rate).toBeGreaterThan(1e6);
    expect(load).toHaveBeenCalledTimes(2);
    expect(await readMachineSpeed({ device, file })).toMatchObject({ float32: speed.float32 });
    expect(load).toHaveBeenCalledTimes(2);
    const path = join(folder, 'machine.json');
    const kept = JSON.parse(readFileSync(path, 'utf8')) as { identity: string };
    writeFileSync(path, JSON.stringify({ ...kept, identity: 'another machine' }));
    await readMachineSpeed({ device, file });
    expect(load).toHaveBeenCalledTimes(4);
    writeFileSync(path, '{');
    await readMachineSpeed({ device, file });
    expect(load).toHaveBeenCalledTimes(6);
  } finally {
    if (before === undefined) delete process.env['THIMBLE_CACHE'];
    else process.env['THIMBLE_CACHE'] = before;
    await device.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
});
