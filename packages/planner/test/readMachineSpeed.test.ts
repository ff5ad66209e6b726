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

const HOUR = 3_600_000;
const keep = (measured: readonly object[]): void =>
  writeFileSync(path, JSON.stringify({ identity: kept().identity, measured }));

test('a machine is measured until two measurements agree, and later once a day', async () => {
  const speed = await read();
  const { avx512, ...rates } = speed;
  expect(typeof avx512).toBe('boolean');
  for (const rate of Object.values(rates)) expect(rate).toBeGreaterThan(1e6);
  const [first] = kept().measured;
  keep([first!, first!]);
  expect(await read()).toEqual(speed);
  expect(measurements()).toBe(1);
  const before = { ...first, at: Date.now() - 25 * HOUR };
  keep([before, before]);
  await read();
  expect(measurements()).toBe(2);
});

test('one that was busy is measured again, and its best figures count', async () => {
  await read();
  const busy = { float32: 1e15, int8: 1, read: 1, at: Date.now() };
  keep([busy, { ...busy, float32: 1 }]);
  const speed = await read();
  expect(measurements()).toBe(2);
  expect(speed.float32).toBe(1e15);
  expect(speed.int8).toBeGreaterThan(1e6);
  // It was never idle: what there is counts for an hour.
  const never = [1, 2, 4, 8, 16, 32].map((rate) => ({ ...busy, float32: rate, int8: rate }));
  keep(never);
  expect((await read()).float32).toBe(32);
  expect(measurements()).toBe(2);
  keep(never.map((each) => ({ ...each, at: busy.at - 2 * HOUR })));
  expect((await read()).float32).toBeGreaterThan(1e6);
  expect([measurements(), kept().measured.length]).toEqual([3, 6]);
});

test.each([
  '{',
  'null',
  '[]',
  '{"measured":[{"float32":1,"int8":1,"read":1,"at":1}]}',
  '{"identity":"another machine","measured":[]}',
])('a file that does not speak of this machine does not count: %s', async (text) => {
  writeFileSync(path, text);
  await read();
  expect([measurements(), kept().measured.length]).toEqual([1, 1]);
});
