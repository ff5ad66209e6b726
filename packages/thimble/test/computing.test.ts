import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import sharp from 'sharp';
import { type CliResult, jsonLines, MODEL, runCli } from './support/CliRun.js';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';
import { withCache } from './support/withCache.js';

jest.setTimeout(120_000);

const FAST = ['--model', MODEL, '--size', '64x64', '--steps', '2', '--seed', '5', '--json'];

describe('thimble generate by another way of computing', () => {
  const folder = temporaryFolder();

  const inThisProcess = async (args: readonly string[]): Promise<CliResult> => runMain(args, { cwd: folder });

  async function picture(name: string, flags: readonly string[], run = inThisProcess): Promise<Buffer> {
    const args = ['generate', 'A red apple!', ...FAST, '-o', `${name}.png`, '--overwrite', ...flags];
    const { code, stdout, stderr } = await run(args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(jsonLines(stdout).at(-1)).toMatchObject({ type: 'done' });
    return sharp(readFileSync(join(folder, `${name}.png`)))
      .raw()
      .toBuffer();
  }

  let plain: Buffer;
  beforeAll(async () => {
    plain = await picture('plain', []);
  });

  const distance = (a: Buffer, b: Buffer): number => a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0);

  test.each([
    ['--attention flash'],
    ['--attention sliced'],
    ['--attention math'],
    ['--channels-last'],
    ['--convolution direct'],
    ['--attention flash --channels-last --offload sequential --trace both'],
  ])('%s gives the same picture', async (flags) => {
    expect(distance(await picture('other', flags.split(' ')), plain)).toBeLessThanOrEqual(1);
  });

  test('--int8 gives nearly the same picture, from weights that it makes once', async () => {
    const cache = join(folder, 'cache');
    await withCache(cache, async () => {
      const made = await picture('int8', ['--int8']);
      expect(readdirSync(join(cache, 'weights')).filter((name) => name.endsWith('.safetensors'))).toHaveLength(2);
      expect(await picture('int8', ['--int8'])).toEqual(made);
      expect(distance(made, plain)).toBeLessThanOrEqual(40);
    });
  });

  test.each([['--step-cache 3'], ['--token-merging']])(
    '%s gives another picture, and the same again',
    async (flags) => {
      const steps = ['--steps', '4', '--overwrite'];
      const made = await picture('less', [...flags.split(' '), ...steps]);
      expect(distance(made, await picture('plain', steps))).toBeGreaterThan(0);
      expect(await picture('less', [...flags.split(' '), ...steps])).toEqual(made);
    },
  );

  test('--trace keeps what it made for the next process', async () => {
    const first = await picture('first', ['--trace', 'traces/here']);
    const traces = readdirSync(join(folder, 'traces/here'));
    const made = traces.map((name) => statSync(join(folder, 'traces/here', name, 'model.onnx')).mtimeMs);
    expect(traces.some((name) => existsSync(join(folder, 'traces/here', name, 'weights.bin')))).toBe(true);
    const again = await picture('second', ['--trace', 'traces/here'], async (args) => runCli(args, folder));
    expect(again).toEqual(first);
    expect(readdirSync(join(folder, 'traces/here'))).toEqual(traces);
    expect(traces.map((name) => statSync(join(folder, 'traces/here', name, 'model.onnx')).mtimeMs)).toEqual(made);
  });

  test.each([
    ['--step-cache', '1.5', /such as 3, or a threshold between 0 and 1/],
    ['--token-merging', '2', /from 0 to 1/],
  ])('refuses %s %s', async (flag, value, message) => {
    expect(await runCli(['generate', 'x', '--model', MODEL, flag, value], folder)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(message),
    });
  });

  test('refuses what is no way', async () => {
    expect(await inThisProcess(['generate', 'x', '--model', MODEL, '--convolution', 'fast'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--convolution.*"winograd", "exact", "direct"/s),
    });
    expect(await inThisProcess(['generate', 'x', '--model', MODEL, '--attention', 'xformers'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--attention.*flash, sliced, math/s),
    });
  });
});
