import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { createDevice, type Device } from '@thimble/core/plugin';
import { testCheckpoint } from '@thimble/plugin-testkit';
import { readMachineSpeed } from '../src/time/readMachineSpeed.js';

const FILE = join(testCheckpoint, 'unet', 'diffusion_pytorch_model.safetensors');

let folder: string;
let path: string;
let device: Device;
let load: jest.Spied<Device['load']>;
const before = process.env['THIMBLE_CACHE'];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'thimble-speed-'));
  path = join(folder, 'machine.json');
  process.env['THIMBLE_CACHE'] = folder;
  device = createDevice({ provider: 'cpu', threads: 1 });
  load = jest.spyOn(device, 'load');
});

beforeEach(() => {
  load.mockClear();
  rmSync(path, { force: true });
});

afterAll(async () => {
  if (before === undefined) delete process.env['THIMBLE_CACHE'];
  else process.env['THIMBLE_CACHE'] = before;
  await device.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const read = async (): ReturnType<typeof readMachineSpeed> => readMachineSpeed({ device, file: FILE });
/** Each of them loads two products. */
const measurements = (): number => load.mock.calls.length / 2;

interface Kept {
  identity: string;
  measured: Record<string, number>[];
}
const kept = (): Kept => JSON.parse(readFileSync(path, 'utf8')) as Kept;

test('a machine is measured until two measurements agree, and then no more', async () => {
  const speed = await read();
  for (const rate of Object.values(speed)) expect(rate).toBeGreaterThan(1e6);
  expect(measurements()).toBe(1);
  const { identity, measured } = kept();
  writeFileSync(path, JSON.stringify({ identity, measured: [measured[0], measured[0]] }));
  expect(await read()).toEqual(speed);
  expect(measurements()).toBe(1);
});

test('one that was busy is measured again, and its best figures count', async () => {
  await read();
  const { identity } = kept();
  const busy = { float32: 1e15, int8: 1, read: 1 };
  writeFileSync(path, JSON.stringify({ identity, measured: [busy, { ...busy, float32: 1 }] }));
  const speed = await read();
  expect(measurements()).toBe(2);
  expect(speed.float32).toBe(1e15);
  expect(speed.int8).toBeGreaterThan(1e6);
  writeFileSync(
    path,
    JSON.stringify({ identity, measured: Array.from({ length: 5 }, () => ({ ...busy, float32: Math.random() })) }),
  );
  await read();
  expect(kept().measured).toHaveLength(6);
  await read();
  expect(measurements()).toBe(3);
});

test.each([
  '{',
  'null',
  '[]',
  '{"measured":[{"float32":1,"int8":1,"read":1}]}',
  '{"identity":"another machine","measured":[]}',
])('a file that does not speak of this machine does not count: %s', async (text) => {
  writeFileSync(path, text);
  await read();
  expect([measurements(), kept().measured.length]).toEqual([1, 1]);
});
