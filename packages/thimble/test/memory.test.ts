import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { drawMemoryTimeline, niceStep } from '../src/memory/drawMemoryTimeline.js';
import { type CliResult, jsonLines, MODEL, runCli } from './support/CliRun.js';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const FAST = ['--model', MODEL, '--size', '64x64', '--steps', '2', '--seed', '5'];
const MB = 2 ** 20;

describe('thimble generate in little memory', () => {
  const folder = temporaryFolder();
  let plain: Promise<CliResult> | undefined;

  test.each(['model', 'sequential'])('--offload %s gives the same picture, and a report of the memory', async (how) => {
    plain ??= runMain(['generate', 'A red apple!', ...FAST, '-o', 'plain.png'], { cwd: folder });
    expect((await plain).code).toBe(0);
    const offloaded = await runCli(
      [
        'generate',
        'A red apple!',
        ...FAST,
        '-o',
        `${how}.png`,
        '--offload',
        how,
        '--memory-report',
        `reports/${how}.svg`,
      ],
      folder,
    );
    expect([offloaded.code, offloaded.stdout]).toEqual([0, `${how}.png\n`]);
    expect(readFileSync(join(folder, `${how}.png`))).toEqual(readFileSync(join(folder, 'plain.png')));
    const svg = readFileSync(join(folder, `reports/${how}.svg`), 'utf8');
    for (const word of ['A red apple!', 'unet', 'vae', 'step 1', 'main process', 'device process', ' MB'])
      expect(svg).toContain(word);
  });

  test('--vae-tiling and --memory-limit work together', async () => {
    const { code, stdout } = await runCli(
      [
        'generate',
        'x',
        ...FAST,
        '--size',
        '256x256',
        '--vae-tiling',
        '--offload',
        'sequential',
        '--memory-limit',
        '128MB',
        '--json',
      ],
      folder,
    );
    expect(code).toBe(0);
    expect(jsonLines(stdout).at(-1)).toMatchObject({ type: 'done' });
  });

  test.each(['seamless', 'shared', 'blend'])(
    '--vae-tiling %s with --vae-slicing tells of each picture as it is done',
    async (mode) => {
      const { code, stdout } = await runMain(
        [
          'generate',
          'x',
          ...FAST,
          '-n',
          '2',
          '--seed',
          '5,6',
          '--size',
          '192x160',
          '--vae-tiling',
          mode,
          '--vae-slicing',
          '-o',
          `${mode}/{seed}.png`,
          '--json',
        ],
        { cwd: folder },
      );
      expect(code).toBe(0);
      const images = jsonLines(stdout).filter(({ type }) => type === 'image');
      expect(images).toEqual([
        { type: 'image', index: 0, seed: 5, path: `${mode}/5.png` },
        { type: 'image', index: 1, seed: 6, path: `${mode}/6.png` },
      ]);
      expect(jsonLines(stdout).some(({ type, task }) => type === 'progress' && task === 'decode')).toBe(true);
      for (const { path } of images) expect(existsSync(join(folder, path as string))).toBe(true);
    },
  );

  test.each([
    [['--vae-tiling', 'fast'], 2, /--vae-tiling.*auto, seamless, shared, blend/s],
    [['--offload', 'everything'], 2, /--offload.*model, sequential/s],
    [['--memory-limit', 'little'], 1, /memoryLimit.*ERR_ARGUMENT_INVALID/s],
    [['--memory-report', 'file/report.svg'], 1, /ERR_OUTPUT_UNWRITABLE/],
  ])('refuses %j', async (flags, exitCode, message) => {
    writeFileSync(join(folder, 'file'), '');
    const { code, stderr } = await runMain(['generate', 'x', ...FAST, '-o', 'never.png', ...flags], { cwd: folder });
    expect(code).toBe(exitCode);
    expect(stderr).toMatch(message);
    expect(existsSync(join(folder, 'never.png'))).toBe(false);
  });
});

describe('the picture of the memory', () => {
  const held = (megabytes: number): { residentBytes: number; anonymousBytes: number; fileBytes: number } => ({
    residentBytes: 2 * megabytes * MB,
    anonymousBytes: megabytes * MB,
    fileBytes: megabytes * MB,
  });
  const samples = Array.from({ length: 5000 }, (_, i) => ({
    at: i * 50,
    memory: { main: held(20), device: held(i === 2501 ? 150 : 60), loaded: {} },
  }));
  const spans = [
    { name: 'unet', from: 0, to: 200_000 },
    { name: 'vae', from: 200_000, to: 250_000 },
  ];

  test('shows every peak, the limit, and what ran, and stays small', () => {
    const svg = drawMemoryTimeline(
      { samples, calls: spans, steps: [{ name: '1', from: 0, to: 200_000 }], limit: 192 * MB },
      'a <cat> & "dog"',
    );
    expect(svg).toContain('device process, at most 150 MB');
    expect(svg).toContain('limit 192 MB');
    expect(svg).toContain('a &lt;cat&gt; &amp; "dog"');
    expect(svg.length).toBeLessThan(100_000);
    for (const [, y] of svg.matchAll(/\d,(-?[\d.]+)/g)) expect(Number(y)).toBeGreaterThanOrEqual(0);
  });

  test('leaves out a limit that would flatten it, and a device that is in the same process', () => {
    const svg = drawMemoryTimeline(
      {
        samples: [{ at: 10, memory: { main: held(20), device: undefined, loaded: {} } }],
        calls: [],
        steps: [],
        limit: 10_000 * MB,
      },
      'x',
    );
    expect(svg).not.toContain('limit');
    expect(svg).not.toContain('NaN');
  });

  test('of a run that took no time can be drawn', () => {
    expect(drawMemoryTimeline({ samples: [], calls: [], steps: [], limit: undefined }, 'x')).not.toMatch(
      /NaN|Infinity/,
    );
  });

  test('has round numbers on its axes', () => {
    expect([0.3, 1, 1.1, 34, 51, 700].map(niceStep)).toEqual([0.5, 1, 2, 50, 100, 1000]);
  });
});
