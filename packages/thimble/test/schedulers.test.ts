import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type CliResult, MODEL } from './support/CliRun.js';
import { readPng } from './support/readPng.js';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const folder = temporaryFolder();
const run = async (args: readonly string[]): Promise<CliResult> => runMain(args, { cwd: folder });
const SMALL = [
  'generate',
  'a fox',
  '--model',
  MODEL,
  '--size',
  '64x64',
  '--seed',
  '1',
  '--overwrite',
  '--output',
  'x.png',
];

describe('thimble schedulers', () => {
  test('lists all of them, with what they take', async () => {
    const { code, stdout, stderr } = await run(['schedulers']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.match(/^\w/gm)).toHaveLength(17);
    expect(stdout).toMatch(/^unipc +20 +14\.6 … 0\.226 +--karras --exponential --beta\n +--solver-order --spacing$/m);
    expect(stdout).toMatch(/^heun +39 /m);
    expect(stdout).toMatch(/^pndm +21 +11 … 0\.0413 +--spacing$/m);
  });

  test('gives numbers, and those that the options ask for', async () => {
    const { stdout } = await run(['schedulers', 'euler', 'DDIMScheduler', '--steps', '4', '--karras', '--json']);
    const { steps, schedulers } = JSON.parse(stdout) as {
      steps: number;
      schedulers: { name: string; timesteps: number[]; noiseLevels: number[] }[];
    };
    expect([steps, schedulers.map(({ name }) => name)]).toEqual([4, ['euler', 'ddim']]);
    const karras = [0, 1, 2, 3].map(
      (i) => (14.61465 ** (1 / 7) + (i / 3) * (0.02917 ** (1 / 7) - 14.61465 ** (1 / 7))) ** 7,
    );
    schedulers[0]!.noiseLevels.forEach((level, i) => expect(level).toBeCloseTo(karras[i]!, 3));
    expect(schedulers[1]!.timesteps).toEqual([751, 501, 251, 1]);
  });

  test('draws the noise levels', async () => {
    const { code } = await run(['schedulers', '--svg', 'sigmas.svg']);
    expect(code).toBe(0);
    const svg = readFileSync(join(folder, 'sigmas.svg'), 'utf8');
    for (const label of ['deis, dpm, unipc', 'euler, euler-ancestral, lms', 'dpm --karras'])
      expect(svg).toContain(`>${label}<`);
    expect(svg.match(/<polyline/g)!.length).toBe(11);
    expect(svg).toMatch(/^<svg [\s\S]*<\/svg>$/);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('says what it does not know, and what has too many steps', async () => {
    expect(await run(['schedulers', 'nope'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no scheduler "nope"; --scheduler takes'),
    });
    expect((await run(['schedulers', 'eulr'])).stderr).toContain('Did you mean "euler"?');
    expect((await run(['schedulers', 'lcm', '--steps', '60'])).stdout).toMatch(/lcm +LCMScheduler +too many/);
    expect(await run(['schedulers', '--steps', '0'])).toMatchObject({ code: 2 });
  });
});

describe('thimble generate --scheduler', () => {
  test.each([
    [
      ['--scheduler', 'unipc', '--karras', '--steps', '3'],
      /Steps: 3, Sampler: UniPCMultistepScheduler, Schedule type: Karras/,
    ],
    [
      ['--scheduler', 'DPM++ 2M SDE Karras', '--steps', '2'],
      /Sampler: DPMSolverMultistepScheduler, Schedule type: Karras/,
    ],
    [['--scheduler', 'dpm', '--sde', '--solver-order', '3', '--steps', '3'], /Sampler: DPMSolverMultistepScheduler/],
    [['--scheduler', 'EulerDiscreteScheduler', '--sigmas', '14,3,1,0'], /Steps: 3, Sampler: EulerDiscreteScheduler/],
    [['--scheduler', 'euler', '--timesteps', '900,400,30'], /Steps: 3, Sampler: EulerDiscreteScheduler/],
    [['--spacing', 'trailing', '--steps', '2'], /Sampler: DDIMScheduler/],
  ])('with %p', async (args, text) => {
    expect(await run([...SMALL, ...args])).toMatchObject({ code: 0, stdout: 'x.png\n' });
    expect(readPng(join(folder, 'x.png')).text).toMatch(text);
  });

  test.each([
    [['--scheduler', 'ddim', '--karras'], /--karras has no effect with the scheduler ddim; choose another one/],
    [['--scheduler', 'deis', '--sde'], /--sde has no effect with the scheduler deis/],
    [['--sde'], /--sde has no effect with the scheduler ddim/],
    [['--karras', '--beta'], /cannot be used with/],
    [['--timesteps', '9,1', '--sigmas', '9,1'], /cannot be used with/],
    [['--scheduler', 'euler', '--timesteps', '1,9'], /--timesteps is \[1,9\]; expected numbers from 999/],
    [['--scheduler', 'unipc', '--steps', '1001'], /--steps is 1001; expected an integer from 1 to/],
    [['--scheduler', 'unipc', '--timesteps', '9,x'], /Expected a list of numbers/],
  ])('refuses %p', async (args, text) => {
    const { code, stdout, stderr } = await run([...SMALL.with(-1, 'refused.png'), ...args]);
    expect({ code, stdout, written: existsSync(join(folder, 'refused.png')) }).toEqual({
      code: 2,
      stdout: '',
      written: false,
    });
    expect(stderr).toMatch(text);
  });
});
