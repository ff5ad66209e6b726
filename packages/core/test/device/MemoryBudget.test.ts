import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { MemoryBudget } from '../../src/device/MemoryBudget.js';

const MB = 2 ** 20;

test.each([
  ['none', undefined, 32 * MB, 'keep', Infinity],
  ['8GB', 8192 * MB, 32 * MB, 'keep', 20],
  ['4GB', 4096 * MB, 32 * MB, 'keep-small', 10],
  ['1.5 gb', 1536 * MB, 32 * MB, 'keep-small', 3],
  [512 * MB, 512 * MB, Math.floor((512 * MB) / 24), 'trim', 1],
  ['192MB', 192 * MB, 8 * MB, 'return', 1],
  ['96MB', 96 * MB, 4 * MB, 'return', 1],
])('a limit of %s', (limit, bytes, transientBytes, allocator, maxBatch) => {
  const budget = MemoryBudget.of(limit, undefined);
  expect({
    limit: budget.limit,
    transientBytes: budget.transientBytes,
    allocator: budget.allocator,
    maxBatch: budget.maxBatch(100 * MB),
  }).toEqual({ limit: bytes, transientBytes, allocator, maxBatch });
});

test.each([
  ['none', 96 * MB],
  ['1GB', 32 * MB],
  ['1023MB', 0],
  ['512MB', 0],
])('within %s Winograd’s algorithm may take %d bytes for a convolution', (limit, bytes) => {
  expect(MemoryBudget.of(limit, undefined).convolutionBytes).toBe(bytes);
});

test.each([
  ['none', Infinity],
  ['4GB', 64 * MB],
  ['512MB', 32 * MB],
  ['288MB', 9 * MB],
  ['96MB', 3 * MB],
])('with a limit of %s values wait in files from so many bytes on: %d', (limit, bytes) => {
  expect(MemoryBudget.of(limit, undefined).parkingBytes).toBe(bytes);
});

// Megabytes of both processes, by runs of the command line within hard limits; `loaded`: of the sessions of the model before.
test.each([
  ["FLUX.2 klein's transformer within 1 GB, after its encoder", '1GB', 244, 304, 102, 753],
  ['a run of Z-Image at 1024×1024 within 1 GB, a submodule in memory at a time', '1GB', 608, 0, 0, 721],
])('%s', (_, limit, counted, before, loaded, measured) => {
  const budget = MemoryBudget.of(limit, undefined);
  const heldBefore = budget.peakBytes(budget.neededBytes(0, 'call'), 'values') + before * MB;
  const own = budget.peakBytes(budget.neededBytes(counted * MB, 'call'), 'values') + loaded * MB;
  const held = own + budget.leftBytes(heldBefore);
  expect(held).toBeGreaterThan(0.9 * measured * MB);
  expect(held).toBeLessThan(1.2 * measured * MB);
});

// Strips of the VAE at 1024×1024, after SD 1.5's UNet with guidance, all models loaded, or alone.
test.each([
  ["SD 1.5's picture within 1 GB", '1GB', 466, 665, 825],
  ["SD 1.5's picture within 2 GB", '2GB', 978, 665, 1181],
  ["SD 1.5's picture within 4 GB", '4GB', 1746, 665, 2009],
  ["SDXL's picture within 1 GB", '1GB', 466, 0, 715],
  ["SDXL's picture within 2 GB", '2GB', 978, 0, 1251],
])('%s', (_, limit, counted, before, measured) => {
  const budget = MemoryBudget.of(limit, undefined);
  const held =
    budget.peakBytes(budget.neededBytes(counted * MB, 'call'), 'strips') + budget.leftBytes(before * MB, 'strips');
  expect(held).toBeGreaterThan(0.9 * measured * MB);
  expect(held).toBeLessThan(1.2 * measured * MB);
});

// A picture whole; `before`: of both processes with the model before, `loaded`: of the sessions that stay.
test.each([
  ['SD 1.5 at 512×512', 1053, 658, 27, 1472],
  ['SD 1.5, four of 512×512 at once', 4052, 1352, 27, 4241],
  ['SD 1.5 at 1024×1024', 4052, 1500, 27, 4718],
  ['SDXL at 1024×1024', 4052, 1472, 149, 4823],
  ['FLUX.2 klein at 256×256', 263, 668, 148, 898],
  ['FLUX.2 klein at 512×512', 1053, 957, 148, 1796],
])('without a limit a picture is held beside what is left: %s', (_, counted, before, loaded, measured) => {
  const budget = MemoryBudget.of('none', undefined);
  const own = budget.peakBytes(budget.neededBytes(counted * MB, 'call'), 'picture') + loaded * MB;
  const held = own + budget.leftBytes(before * MB, 'picture');
  expect(held).toBeGreaterThan(0.9 * measured * MB);
  expect(held).toBeLessThan(1.2 * measured * MB);
});

test('of a small model little is left, and a picture is let in whole only where there is room for what may be', () => {
  expect(MemoryBudget.of('none', undefined).leftBytes(95 * MB, 'picture')).toBe(15 * MB);
  const ample = MemoryBudget.of('8GB', undefined);
  expect(ample.hasRoom(7163 * MB, 'decode')).toBe(true);
  expect(ample.hasRoom(7164 * MB, 'decode')).toBe(false);
});

test('weights of a small model stay mapped, where those of a large one are read in parts', () => {
  const budget = MemoryBudget.of('256MB', undefined);
  expect(budget.weightPartsOf(32 * MB)).toBeUndefined();
  expect(budget.weightPartsOf(32 * MB + 1)).toEqual(budget.weightParts);
  expect(budget.weightParts).toBeDefined();
  expect(MemoryBudget.of('1GB', undefined).weightPartsOf(4096 * MB)).toBeUndefined();
});

test('strips leave the programs their pages within the tightest limits', () => {
  const strips = (limit: string): number => MemoryBudget.of(limit, undefined).stripBytes(512 * 512) / MB;
  expect(strips('160MB')).toBeCloseTo(14.55, 2);
  expect(strips('96MB')).toBe(14);
  expect(strips('192MB')).toBeCloseTo(40.25, 2);
  expect(MemoryBudget.of('192MB', undefined).stripBytes(3072 * 3072) / MB).toBe(24);
});

test('strips are no larger than is worth it where there is little room beside them', () => {
  const strips = (limit: string): number => MemoryBudget.of(limit, undefined).stripBytes(512 * 512) / MB;
  expect(strips('224MB')).toBeCloseTo(56.25, 2);
  expect(strips('256MB')).toBe(58);
  expect(strips('288MB')).toBeCloseTo(88.25, 2);
});

test('a picture is whole where the limit has room for what is held, not only for what is counted', () => {
  const needed = MemoryBudget.of('1GB', undefined).neededBytes(800 * MB, 'decode');
  expect(needed).toBeLessThan(1150 * MB);
  expect(MemoryBudget.of('1150MB', undefined).hasRoom(needed, 'decode')).toBe(false);
  expect(MemoryBudget.of('1300MB', undefined).hasRoom(needed, 'decode')).toBe(true);
});

test('models of many tensors take the main process more: SDXL 15 to 23 MB beside what SD 1.5 takes', () => {
  expect(MemoryBudget.tensorBytes(1130)).toBe(0);
  expect(MemoryBudget.tensorBytes(2641)).toBeGreaterThan(15 * MB);
  expect(MemoryBudget.tensorBytes(2641)).toBeLessThan(23 * MB);
});

test.each(['512m', '512M', '512mb', '512MiB', '512Mi', '0.5g', '0.5 GiB', '524288K', String(512 * MB), 512 * MB])(
  '%j is 512 MB',
  (limit) => {
    expect(MemoryBudget.of(limit, undefined).limit).toBe(512 * MB);
  },
);

test.each([
  ['1Gi', 512, 512],
  ['512Mi', 1024, 512],
  [undefined, 512, 512],
  ['none', 512, undefined],
])('%j in a container of %d MB: the tighter one holds', (limit, container, expected) => {
  expect(MemoryBudget.of(limit, container * MB).limit).toBe(expected === undefined ? undefined : expected * MB);
});

test.each([
  ['95MB', undefined],
  [1, undefined],
  ['1GB', 64 * MB],
  [undefined, 64 * MB],
])('refuses %j in a container of %j: less than an empty pipeline takes', (limit, container) => {
  expect(() => MemoryBudget.of(limit, container)).toThrow(/at least 96MB/);
});

test.each([0, -1, NaN, '12 monkeys', '', 'MB', '512i', '5MiBs', '1 e9', '512MB/s'])(
  'refuses a limit of %j',
  (limit) => {
    expect(() => MemoryBudget.of(limit)).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT_INVALID',
        details: expect.objectContaining({ argument: 'memoryLimit' }),
      }),
    );
  },
);

test('a text without a unit is bytes', () => {
  expect(MemoryBudget.of('201326592', undefined).limit).toBe(192 * MB);
});

const LIMIT = fileURLToPath(new URL('../../../../bench/limit.sh', import.meta.url));
const CORE = new URL('../../dist/plugin.js', import.meta.url).href;

/** Whether this machine lets us make a control group. */
function canLimit(): boolean {
  try {
    accessSync('/sys/fs/cgroup/memory', constants.W_OK);
    return process.getuid?.() === 0;
  } catch {
    return false;
  }
}

(canLimit() ? test : test.skip)("by default it is the container's limit", () => {
  const script = `const { MemoryBudget } = await import('${CORE}'); console.log(MemoryBudget.of(undefined).limit, MemoryBudget.of('none').limit)`;
  const said = execFileSync('bash', [LIMIT, '300', process.execPath, '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  expect(said.split('\n')[0]).toBe(`${300 * MB} undefined`);
});
