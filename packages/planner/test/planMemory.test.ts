import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { isThimbleError, parseBytes } from '@thimble/core';
import { Model } from '@thimble/core/model';
import { openPlanner, type OpenedPlanner, planMemory, type PlanOptions, QUALITIES } from '../src/index.js';
import { combinations } from '../src/techniques/combinations.js';
import { techniques } from '../src/techniques/techniques.js';
import { sparseCheckpoint } from './support/sparseCheckpoint.js';

const MB = 2 ** 20;
const MACHINE = { float32: 50e9, int8: 100e9, read: 600e6 };
const RUN = { width: 512, height: 512, numInferenceSteps: 2, guidance: 7.5, machine: MACHINE };

let folder: string;
let opened: OpenedPlanner;
const plan = async (options: PlanOptions): ReturnType<typeof planMemory> => planMemory(folder, { ...RUN, ...options });

beforeAll(async () => {
  folder = await sparseCheckpoint(mkdtempSync(join(tmpdir(), 'thimble-planner-')));
  opened = await openPlanner(folder, RUN);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('a plan of SD 1.5 at full size, of which only headers are there', () => {
  test('says which plugins, how much and how long, in numbers and in words', async () => {
    const {
      plugins,
      techniques: titles,
      peakBytes,
      seconds,
      lines,
      limitBytes,
      quality,
    } = await plan({ memory: '512MB' });
    expect(plugins.map(({ name }) => techniques.find((each) => each.plugin === name)?.title)).toEqual(titles);
    expect([limitBytes, quality]).toEqual([512 * MB, 'exact']);
    expect(peakBytes).toBeGreaterThan(120 * MB);
    expect(peakBytes).toBeLessThan(512 * MB);
    expect(seconds).toBeGreaterThan(10);
    expect(lines.join('\n')).toMatch(
      /^a picture of 512×512, 2 steps within 512 MB: .*\ntakes about \d+ MB and \d+ (s|min)$/,
    );
  });

  test('is the fastest of what fits, and more memory is never slower', async () => {
    const { planner } = opened;
    const times: number[] = [];
    for (const limit of [192, 384, 1024, 4096]) {
      const estimates = await planner.estimates(limit * MB, 'exact');
      const best = (await planner.best(limit * MB, 'exact'))!;
      const fitting = estimates.filter(({ fits }) => fits);
      expect(Math.min(...fitting.map(({ seconds }) => seconds))).toBeGreaterThan(best.seconds * 0.98 - 0.06);
      for (const { peakBytes } of fitting) expect(peakBytes).toBeLessThan(limit * MB);
      times.push(best.seconds);
    }
    expect(times).toEqual(times.toSorted((a, b) => b - a));
  });

  // `npm run bench -- planner`: the command line within such hard limits, megabytes of both processes.
  test.each([
    [512, 160, 'sequential offload', 135],
    [512, 192, '', 160],
    [512, 256, '', 173],
    [512, 1024, 'fused attention', 874],
    [1024, 384, '', 299],
    [1024, 512, '', 389],
    [1024, 512, 'sequential offload', 370],
    [1024, 1024, 'fused attention', 825],
  ])(
    'says what was measured of a picture %i pixels wide and high within %i MB',
    async (side, limit, titles, measured) => {
      const estimates = await opened.ofSize(side, side).estimates(limit * MB, 'exact');
      const { peakBytes } = estimates.find(({ techniques: chosen }) => chosen.join() === titles)!;
      expect(peakBytes).toBeGreaterThan(0.9 * measured * MB);
      expect(peakBytes).toBeLessThan(1.2 * measured * MB);
    },
  );

  test('counts the pictures of a run that are done while the last one is decoded', async () => {
    const [one, many] = await Promise.all([1, 9].map(async (count) => plan({ memory: '512MB', count })));
    expect(many!.peakBytes - one!.peakBytes).toBe(8 * 3 * 512 * 512);
  });

  test('chooses what completes within 160 MB, where a plan without plugins was killed', async () => {
    const estimates = await opened.planner.estimates(160 * MB, 'exact');
    expect(estimates.find(({ techniques: chosen }) => chosen.length === 0)!.fits).toBe(false);
    expect((await opened.planner.best(160 * MB, 'exact'))!.techniques).toEqual(['sequential offload']);
  });

  test('counts what the system keeps to find mapped weights: of all models, of the largest, or of one submodule', async () => {
    const estimates = await opened.planner.estimates(1024 * MB, 'exact');
    const pagesOf = (title: string): number =>
      estimates.find(({ techniques: titles }) => (titles[0] ?? 'no plugins') === title)!.pageBytes;
    // 2 GB of weights, of which the UNet has 1.7: eight bytes for each four kilobytes.
    const all = pagesOf('no plugins') - pagesOf('sequential offload');
    const largest = pagesOf('model offload') - pagesOf('sequential offload');
    expect(all / MB).toBeGreaterThan(3.5);
    expect(all / MB).toBeLessThan(4.5);
    expect(largest / all).toBeGreaterThan(0.7);
    expect(largest / all).toBeLessThan(0.9);
  });

  test('builds the graphs of a size once, however many limits are planned for', async () => {
    const traced = jest.spyOn(Model.prototype, 'outline');
    const built = jest.spyOn(Model.prototype, 'graph');
    try {
      const { planner } = await openPlanner(folder, RUN);
      for (const limit of [160, 256, 512, 2048]) await planner.plan(limit * MB, 'near');
      await planner.plan(undefined, 'lossy');
      // One sample of each model, and two where there is room for both of guidance.
      expect(traced.mock.calls.length).toBeLessThanOrEqual(5);
      expect(built).toHaveBeenCalledTimes(1);
    } finally {
      traced.mockRestore();
      built.mockRestore();
    }
  });

  test('takes near plans only where they are allowed, and they are faster', async () => {
    const { planner } = opened;
    const exact = (await planner.best(512 * MB, 'exact'))!;
    const near = (await planner.best(512 * MB, 'near'))!;
    expect([exact.quality, near.quality]).toEqual(['exact', 'near']);
    expect(near.plugins).toContain('thimble:int8-compute');
    expect(near.seconds).toBeLessThan(exact.seconds * 0.8);
    const { alternatives } = await plan({ memory: '512MB', quality: 'near' });
    expect(new Set(alternatives.map(({ quality }) => quality))).toEqual(new Set(['exact', 'near']));
  });

  test('takes more for larger pictures and more of them, and for guidance', async () => {
    const seconds = async (options: PlanOptions): Promise<number> =>
      (await plan({ memory: '1GB', ...options })).seconds;
    const one = await seconds({});
    expect(await seconds({ count: 2 })).toBeGreaterThan(1.8 * one);
    expect(await seconds({ width: 768, height: 768 })).toBeGreaterThan(2 * one);
    expect(await seconds({ guidance: 1 })).toBeLessThan(0.9 * one);
  });

  test('reads weights once for each sample that goes through a model by itself, and without a limit beside the first run', async () => {
    const disk = async (options: PlanOptions): Promise<number> => {
      const [slow, fast] = [60e6, 600e9];
      const seconds = async (read: number): Promise<number> =>
        (await plan({ numInferenceSteps: 1, machine: { ...MACHINE, read }, ...options })).seconds;
      return ((await seconds(slow)) - (await seconds(fast))) * slow;
    };
    // 2.1 GB of weights, 1.7 of them the UNet's, of which guidance computes two samples, one at a time within 160 MB.
    const tight = await disk({ memory: '160MB' });
    expect(tight / (await disk({ memory: '1GB' }))).toBeGreaterThan(1.7);
    expect(await disk({ memory: 'none' })).toBeLessThan(0.9 * (await disk({ memory: '8GB' })));
  });

  test('without a limit takes what is fastest; elsewhere than on the processor there is none', async () => {
    const free = await plan({ memory: 'none' });
    expect(free.limitBytes).toBeUndefined();
    expect((await plan({ memory: '200MB', device: 'webgpu' })).limitBytes).toBeUndefined();
    expect(free.lines[0]).toContain('within what there is');
  });
});

describe('a limit that has room for nothing', () => {
  test('is refused with the least that would do, which does, and the largest size that fits, which does', async () => {
    const refused: unknown = await plan({ memory: '96MB' }).catch((error: unknown) => error);
    if (!isThimbleError(refused, 'ERR_MEMORY_LIMIT')) throw refused;
    const { advice, largest, neededBytes, limitBytes } = refused.details;
    expect(limitBytes).toBe(96 * MB);
    expect(neededBytes).toBeGreaterThan(limitBytes);
    const least = /least that would do is (\d+ MB)/.exec(advice)?.[1] as string;
    const limit = parseBytes(least, 'least');
    expect((await plan({ memory: limit })).peakBytes).toBeLessThan(limit);
    await expect(plan({ memory: limit - 17 * MB })).rejects.toMatchObject({ code: 'ERR_MEMORY_LIMIT' });
    if (largest !== undefined) {
      const [width, height] = largest.split('×').map(Number);
      expect((await plan({ memory: '96MB', width, height })).peakBytes).toBeLessThan(96 * MB);
    }
  });

  test.each<[PlanOptions, string]>([
    [{ width: 0 }, 'width'],
    [{ width: 513 }, 'width'],
    [{ height: 1 }, 'height'],
    [{ count: 1.5 }, 'count'],
    [{ memory: 'lots' }, 'memory'],
    [{ memory: '12MB' }, 'memory'],
    [{ quality: 'best' as never }, 'quality'],
    [{ machine: { float32: 0, int8: 1, read: 1 } }, 'machine'],
    [{ wide: 1 } as never, 'wide'],
  ])('nonsense is refused: %j', async (options, argument) => {
    const refused: unknown = await plan(options).catch((error: unknown) => error);
    expect(isThimbleError(refused, 'ERR_ARGUMENT_INVALID') && refused.message.toLowerCase()).toContain(argument);
  });

  test('a model that is not there is refused as opening it does', async () => {
    await expect(planMemory('./no/such/model', { memory: '1GB' })).rejects.toThrow(/no\/such\/model/);
    await expect(plan({ lora: ['./no.safetensors'] })).rejects.toMatchObject({ code: 'ERR_FILE_NOT_FOUND' });
  });
});

describe('combinations', () => {
  const run = { width: 512, height: 512, frames: 1, count: 1, steps: 1, guided: false };

  test('never have two techniques that change the same, and none above the quality', () => {
    for (const quality of QUALITIES)
      for (const { techniques: chosen, quality: worst } of combinations(quality, { ...run, count: 2 })) {
        const fields = chosen.flatMap(({ setup }) => Object.keys(setup));
        expect(new Set(fields).size).toBe(fields.length);
        expect(QUALITIES.indexOf(worst)).toBeLessThanOrEqual(QUALITIES.indexOf(quality));
      }
  });

  test('are planned around what is installed: it stays, and what it excludes is left out', () => {
    const all = combinations('near', run, [{ name: 'thimble:model-offload', claims: ['residency'] }]);
    const plugins = new Set(all.flatMap(({ techniques: chosen }) => chosen.map(({ plugin }) => plugin)));
    expect(plugins.has('thimble:sequential-offload')).toBe(false);
    expect(plugins.has('thimble:int8-compute')).toBe(true);
    expect(all.every(({ setup }) => setup.residency === 'component')).toBe(true);
    const foreign = combinations('exact', run, [{ name: 'someone:else', claims: ['residency'] }]);
    expect(foreign.every(({ setup }) => setup.residency === 'all')).toBe(true);
  });

  test('name plugins as they are called', async () => {
    for (const { plugin, create, claims = [] } of techniques) {
      const made = await create();
      expect([made.name, made.claims ?? []]).toEqual([plugin, claims]);
    }
  });
});
