import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, jest, test } from '@jest/globals';
import sharp from 'sharp';
import { jsonLines, MODEL, runCli } from './support/CliRun.js';
import { temporaryFolder } from './support/temporaryFolder.js';
import { withCache } from './support/withCache.js';

jest.setTimeout(120_000);

const FAST = ['--model', MODEL, '--size', '64x64', '--steps', '2', '--seed', '5', '--json'];

describe('thimble generate by another way of computing', () => {
  const folder = temporaryFolder();

  async function picture(name: string, flags: readonly string[]): Promise<Buffer> {
    const { code, stdout, stderr } = await runCli(
      ['generate', 'A red apple!', ...FAST, '-o', `${name}.png`, ...flags],
      folder,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(jsonLines(stdout).at(-1)).toMatchObject({ type: 'done' });
    return sharp(readFileSync(join(folder, `${name}.png`)))
      .raw()
      .toBuffer();
  }

  const distance = (a: Buffer, b: Buffer): number => a.reduce((worst, x, i) => Math.max(worst, Math.abs(x - b[i]!)), 0);

  test.each([
    ['--attention flash'],
    ['--attention sliced'],
    ['--attention math'],
    ['--channels-last'],
    ['--convolution direct'],
    ['--attention flash --channels-last --offload sequential --trace both'],
  ])('%s gives the same picture', async (flags) => {
    expect(
      distance(await picture('other', [...flags.split(' '), '--overwrite']), await picture('plain', ['--overwrite'])),
    ).toBeLessThanOrEqual(1);
  });

  test('--int8 gives nearly the same picture, from weights that it makes once', async () => {
    const cache = join(folder, 'cache');
    const plain = await picture('plain', ['--overwrite']);
    await withCache(cache, async () => {
      const made = await picture('int8', ['--int8', '--overwrite']);
      expect(readdirSync(join(cache, 'weights')).filter((name) => name.endsWith('.safetensors'))).toHaveLength(2);
      expect(await picture('int8', ['--int8', '--overwrite'])).toEqual(made);
      expect(distance(made, plain)).toBeLessThanOrEqual(40);
    });
  });

  test('--trace keeps what it made for the next process', async () => {
    const first = await picture('first', ['--trace', 'traces/here']);
    const traces = readdirSync(join(folder, 'traces/here'));
    const made = traces.map((name) => statSync(join(folder, 'traces/here', name, 'model.onnx')).mtimeMs);
    expect(traces.some((name) => existsSync(join(folder, 'traces/here', name, 'weights.bin')))).toBe(true);
    expect(await picture('second', ['--trace', 'traces/here'])).toEqual(first);
    expect(readdirSync(join(folder, 'traces/here'))).toEqual(traces);
    expect(traces.map((name) => statSync(join(folder, 'traces/here', name, 'model.onnx')).mtimeMs)).toEqual(made);
  });

  test('refuses what is no way', async () => {
    expect(await runCli(['generate', 'x', '--model', MODEL, '--convolution', 'fast'], folder)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--convolution.*"winograd", "exact", "direct"/s),
    });
    expect(await runCli(['generate', 'x', '--model', MODEL, '--attention', 'xformers'], folder)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/--attention.*flash, sliced, math/s),
    });
  });
});
