import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const FIXTURES = fileURLToPath(new URL('../../core/test/fixtures', import.meta.url));
const fixture = (name: string): string => join(FIXTURES, name);
const FILE = fixture('single-file/sdxl.safetensors');
const FAST = ['generate', 'a red fox', '--steps', '1', '--size', '64x64', '--seed', '1', '--json'];
const cwd = temporaryFolder();

describe('a checkpoint in one file', () => {
  test('draws, and takes components from other files', async () => {
    const model = ['--model', FILE, '--config', fixture('sdxl-tiny')];
    const whole = await runMain([...FAST, ...model, '-o', 'whole.png'], { cwd });
    expect([whole.code, whole.stderr]).toEqual([0, '']);
    const vae = `vae=${fixture('single-file/vae.safetensors')}`;
    const split = await runMain([...FAST, ...model, '--component', vae, '-o', 'split.png'], { cwd });
    expect([split.code, split.stderr]).toEqual([0, '']);
    // The same weights, but not rounded to half precision.
    expect(seenIn(whole.stdout)).toEqual(seenIn(split.stdout));
  });

  test('is inspected: what it holds, and what belongs to nothing', async () => {
    const args = ['inspect', fixture('single-file/unet-ema.safetensors'), '--config', fixture('inpaint-more/unet')];
    const { stdout } = await runMain(args);
    expect(stdout).toMatch(/UNet2DConditionModel .* BF16/);
    expect(stdout).toMatch(/NOT USED +TENSORS\nmodel_ema +\d+/);
    const report = JSON.parse((await runMain([...args, '--json'])).stdout) as { unused: string[] };
    expect(report.unused.filter((key) => !key.startsWith('model_ema.'))).toEqual([]);
  });

  test('is made of a folder, in another type', async () => {
    const source = fixture('sdxl-tiny');
    const { code, stdout, stderr } = await runMain(['convert', source, 'made.safetensors', '--dtype', 'bf16'], { cwd });
    expect([code, stdout]).toEqual([0, 'made.safetensors\n']);
    expect(stderr).toMatch(/converted: 90%/);
    const report = await runMain(['inspect', 'made.safetensors', '--config', source], { cwd });
    expect(report.stdout.match(/ BF16 /g)).toHaveLength(4);
    const again = await runMain(['convert', source, 'made.safetensors'], { cwd });
    expect(again).toMatchObject({ code: 1, stderr: expect.stringMatching(/a path where nothing is yet/) });
  });

  test.each([
    [['--model', FILE], 1, /nearest to Stable Diffusion.*--config.*ERR_CHECKPOINT_UNKNOWN/s],
    [
      ['--model', fixture('sdxl-tiny'), '--component', `vae=${fixture('inpaint-more/unet')}`],
      2,
      /--component is .*a vae, not a UNet2DConditionModel/s,
    ],
    [['--model', fixture('sdxl-tiny'), '--component', 'vae'], 2, /Expected NAME=PATH/],
    [['--model', fixture('sdxl-tiny'), '--component', `uned=${FILE}`], 2, /"uned"; expected names out of/],
    [
      ['--model', fixture('sdxl-tiny'), '--config', 'stable-diffusion-xl'],
      2,
      /config.*is a folder, which has configs of its own/s,
    ],
    [['--model', fixture('sdxl-tiny'), '--prediction-type', 'noise'], 2, /--prediction-type.*v_prediction/s],
  ])('%j is refused with the reason', async (args, code, message) => {
    expect(await runMain([...FAST.slice(0, -1), ...args], { cwd })).toMatchObject({
      code,
      stderr: expect.stringMatching(message),
    });
  });
});

function seenIn(stdout: string): unknown {
  const done = stdout.split('\n').find((line) => line.includes('"done"'));
  const { seeds } = JSON.parse(done!) as { seeds: unknown };
  return seeds;
}
