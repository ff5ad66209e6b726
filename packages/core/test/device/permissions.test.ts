import { homedir, tmpdir } from 'node:os';
import { sep } from 'node:path';
import { expect, test } from '@jest/globals';
import { DiffusionPipeline, Tensor } from '../../src/index.js';
import { createDevice } from '../../src/device/createDevice.js';
import type { DevicePermissions } from '../../src/device/devicePermissions.js';
import { temporaryFolders } from '../../src/device/spillFolder.js';
import { fixturePath } from '../support/fixturePath.js';

const ROWS = { type: 'float32', outer: 1, rows: 1, inner: 4 } as const;
/** No folder for temporary files: where the repository lies in one, home. */
const HERE = [import.meta.dirname, homedir()].find(
  (folder) => !temporaryFolders().some((temporary) => `${folder}${sep}`.startsWith(`${temporary}${sep}`)),
) as string;

async function writesTo(folder: string, permissions: DevicePermissions): Promise<unknown> {
  const device = createDevice({ provider: 'cpu', permissions });
  try {
    await device.free([await device.createRows({ ...ROWS, folder })]);
    return 'written';
  } catch (error) {
    return error;
  } finally {
    await device.dispose();
  }
}

test('a device under permissions writes temporary files, and others only where that is said', async () => {
  expect(await writesTo(tmpdir(), {})).toBe('written');
  expect(await writesTo(HERE, {})).toMatchObject({
    code: 'ERR_FILE_ACCESS',
    details: { path: HERE, operation: 'write', reason: 'ERR_ACCESS_DENIED' },
  });
  expect(await writesTo(HERE, { write: [HERE] })).toBe('written');
});

test('it computes what it computes without them', async () => {
  const call = async (permissions?: DevicePermissions): Promise<unknown> => {
    const options = { components: ['vae'], deviceOptions: { permissions, threads: 1 } };
    await using pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), options);
    const z = new Tensor(
      'float32',
      Float32Array.from({ length: 4 * 8 * 8 }, (_, i) => Math.sin(i)),
      [1, 4, 8, 8],
    );
    return (await pipe.components['vae']!.decode({ z })).sample?.data;
  };
  expect(await call({})).toEqual(await call());
});

test.each([
  [{ permissions: { read: ['/'] } }, 'read'],
  [{ permissions: { write: '/traces' } }, 'permissions.write'],
  [{ permissions: { write: ['/a,/b'] } }, 'permissions.write'],
  [{ permissions: {}, inline: true }, 'permissions'],
] as const)('%j is refused', (options, named) => {
  expect(() => createDevice({ provider: 'cpu', ...(options as object) })).toThrow(
    expect.objectContaining({ code: 'ERR_ARGUMENT_INVALID', message: expect.stringContaining(named) }),
  );
});
