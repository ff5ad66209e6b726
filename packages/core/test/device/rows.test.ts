import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import type { Device } from '../../src/device/Device.js';
import type { DeviceRows } from '../../src/device/DeviceRows.js';
import { InlineDevice } from '../../src/device/InlineDevice.js';
import { ProcessDevice } from '../../src/device/ProcessDevice.js';

const FOLDER = mkdtempSync(join(tmpdir(), 'thimble-rows-'));
afterAll(() => rmSync(FOLDER, { recursive: true }));

/** [1, 2, 4, 3]: channel, row and column as digits. */
const WHOLE = new Tensor(
  'float32',
  Float32Array.from({ length: 24 }, (_, i) => Math.floor(i / 12) * 100 + Math.floor((i % 12) / 3) * 10 + (i % 3)),
  [1, 2, 4, 3],
);

async function write(device: Device, of: DeviceRows, start: number, tensor: Tensor): Promise<void> {
  await device.run({
    inputs: { x: tensor },
    steps: [],
    outputs: { x: { of, start, count: tensor.dims[2] as number } },
  });
}

async function read(device: Device, of: DeviceRows, start: number, count: number): Promise<Tensor> {
  return (await device.run({ inputs: { x: { of, start, count } }, steps: [], outputs: { x: 'download' } })).downloaded[
    'x'
  ]!;
}

describe.each([
  ['InlineDevice', InlineDevice],
  ['ProcessDevice', ProcessDevice],
] as const)('rows on a %s', (_, Class) => {
  let device: Device;

  beforeAll(() => {
    device = new Class({ provider: 'cpu' });
  });
  afterEach(async () => {
    expect(await device.usage()).toEqual({ sessions: 0, tensors: 0 });
    expect(readdirSync(FOLDER)).toEqual([]);
  });
  afterAll(async () => {
    await device.dispose();
  });

  test.each([
    ['memory', {}],
    ['a file', { folder: FOLDER }],
  ])('in %s: written whole, read in part, and the other way round', async (_where, place) => {
    const rows = await device.createRows({ type: 'float32', outer: 2, rows: 4, inner: 3, ...place });
    await write(device, rows, 0, WHOLE);
    const part = await read(device, rows, 1, 2);
    expect(part.dims).toEqual([1, 2, 2, 3]);
    expect([...part.data]).toEqual([10, 11, 12, 20, 21, 22, 110, 111, 112, 120, 121, 122]);
    await write(device, rows, 3, new Tensor('float32', Float32Array.of(1, 2, 3, 4, 5, 6), [1, 2, 1, 3]));
    expect([...(await read(device, rows, 0, 4)).data].slice(9, 12)).toEqual([1, 2, 3]);
    expect(await device.usage()).toEqual({ sessions: 0, tensors: 1 });
    await device.free([rows]);
    await device.free([rows]);
  });

  test('in a file: rows of whole pages, written and read strip by strip with the rows beside them', async () => {
    const [outer, rows, inner] = [4, 12, 1024];
    const valueAt = (channel: number, row: number): number => channel * 100 + row;
    const stored = await device.createRows({ type: 'float32', outer, rows, inner, folder: FOLDER });
    const strip = (start: number, count: number): Tensor =>
      new Tensor(
        'float32',
        Float32Array.from({ length: outer * count * inner }, (_, i) =>
          valueAt(Math.floor(i / count / inner), start + (Math.floor(i / inner) % count)),
        ),
        [1, outer, count, inner],
      );
    for (let start = 0; start < rows; start += 3) await write(device, stored, start, strip(start, 3));
    // From the top to the bottom, twice, and then somewhere else.
    for (const [start, count] of [
      [0, 4],
      [2, 5],
      [5, 5],
      [8, 4],
      [0, 4],
      [2, 5],
      [7, 2],
      [0, 12],
    ] as const)
      expect((await read(device, stored, start, count)).data).toEqual(strip(start, count).data);
    await write(device, stored, 4, strip(0, 2));
    expect((await read(device, stored, 4, 2)).data).toEqual(strip(0, 2).data);
    await device.free([stored]);
  });

  test('refuses rows that are not there, and a folder that is not', async () => {
    const rows = await device.createRows({ type: 'float32', outer: 2, rows: 4, inner: 3 });
    await expect(read(device, rows, 3, 2)).rejects.toThrow(/rows 3 to 5 of 4/);
    await device.free([rows]);
    await expect(read(device, rows, 0, 1)).rejects.toMatchObject({ code: 'ERR_DEVICE_TENSOR_GONE' });
    await expect(
      device.createRows({ type: 'float32', outer: 1, rows: 1, inner: 1, folder: join(FOLDER, 'missing') }),
    ).rejects.toMatchObject({ code: 'ERR_FILE_NOT_FOUND' });
  });
});
