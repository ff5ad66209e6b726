import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from '@jest/globals';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const MODEL = fileURLToPath(new URL('../../plugin-testkit/checkpoint', import.meta.url));
const FIXTURES = fileURLToPath(new URL('../../core/test/fixtures', import.meta.url));
const FAST = ['--steps', '1', '--guidance', '1', '--seed', '1'];
const cwd = temporaryFolder();

afterEach(() => {
  delete process.env['THIMBLE_MODEL'];
});

describe('THIMBLE_MODEL', () => {
  test('is the model where no flag names one, and the notice says so', async () => {
    process.env['THIMBLE_MODEL'] = MODEL;
    const { code, stderr } = await runMain(['generate', 'cat', ...FAST, '-o', 'x.png'], { cwd });
    expect([code, stderr.split('\n')[0]]).toEqual([0, 'thimble: "cat", by checkpoint (THIMBLE_MODEL)']);
    expect((await runMain(['inspect'])).stdout).toContain(`model      ${MODEL}\n`);
    expect((await runMain(['inspect'])).stdout).toMatch(/CONVOLUTIONS OF +WINOGRAD 4×4.*\nunet\.call +0 +0 +\d+\n/);
    const other = await runMain(['generate', 'cat', ...FAST, '-m', 'not/there', '--offline'], { cwd });
    expect([other.code, other.stderr]).toEqual([1, expect.stringMatching(/"not\/there/)]);
  });

  test('that is empty, or not there, is no model', async () => {
    expect((await runMain(['generate', '--help'])).stdout).toMatch(/THIMBLE_MODEL/);
    expect((await runMain(['generate', 'cat'])).stderr).toMatch(/--model <path\|id>' not specified/);
    expect(await runMain(['inspect'])).toMatchObject({ code: 2, stderr: expect.stringMatching(/set THIMBLE_MODEL/) });
    process.env['THIMBLE_MODEL'] = '';
    expect((await runMain(['generate', 'cat'])).stderr).toMatch(/from env 'THIMBLE_MODEL' is invalid/);
  });
});

describe('thimble inspect PICTURE', () => {
  test.each(['png', 'webp', 'jpg'])('tells how a %s was made', async (format) => {
    const made = await runMain(['generate', 'ein Kätzchen', '-m', MODEL, ...FAST, '-o', `cat.${format}`], { cwd });
    expect(made.code).toBe(0);
    const { stdout } = await runMain(['inspect', `cat.${format}`], { cwd });
    const text = Buffer.from(stdout, 'utf8').toString();
    expect(text).toMatch(/^picture {4}cat\..*\nformat .*64×64\n\nein Kätzchen\nSteps: 1, Sampler: \w+.*, Seed: 1,/);
    const json = JSON.parse((await runMain(['inspect', `cat.${format}`, '--json'], { cwd })).stdout) as object;
    expect(json).toMatchObject({ width: 64, height: 64, metadata: { parameters: text.split('\n\n')[1]!.trimEnd() } });
  });

  test('says it of one that does not tell, and refuses one that is none', async () => {
    const foreign = fileURLToPath(new URL('../../../docs/images/mask.png', import.meta.url));
    expect((await runMain(['inspect', foreign])).stdout).toContain('It does not tell how it was made.');
    writeFileSync(join(cwd, 'none.png'), 'none');
    expect(await runMain(['inspect', 'none.png'], { cwd })).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('ERR_IMAGE_DECODE'),
    });
  });
});

test('--eta is said to be ignored by a scheduler that takes none', async () => {
  const args = ['generate', 'cat', '-m', MODEL, ...FAST, '--eta', '0.5', '-o', 'eta.png'];
  const euler = await runMain([...args, '--scheduler', 'euler'], { cwd });
  expect([euler.code, euler.stderr]).toEqual([
    0,
    expect.stringMatching(/eta has no effect with EulerDiscreteScheduler.*DDIMScheduler does.*WARN_SCHEDULER_OPTION/),
  ]);
  expect((await runMain([...args, '--scheduler', 'ddim'], { cwd })).stderr).not.toContain('WARN_SCHEDULER_OPTION');
  expect((await runMain(['schedulers', 'ddim', 'euler'])).stdout).toMatch(/ddim .*--eta\neuler (?!.*--eta)/);
});

test('--original-inference-steps is for latent consistency models alone', async () => {
  const folder = join(cwd, 'lcm');
  const base = join(FIXTURES, 'sd-tiny');
  cpSync(base, folder, { recursive: true });
  cpSync(join(FIXTURES, 'lcm', 'unet'), join(folder, 'unet'), { recursive: true });
  const scheduler = { _class_name: 'LCMScheduler', original_inference_steps: 50, beta_schedule: 'scaled_linear' };
  writeFileSync(join(folder, 'scheduler', 'scheduler_config.json'), JSON.stringify(scheduler));
  const index = JSON.parse(readFileSync(join(base, 'model_index.json'), 'utf8')) as object;
  const renamed = { ...index, _class_name: 'LatentConsistencyModelPipeline', scheduler: ['diffusers', 'LCMScheduler'] };
  writeFileSync(join(folder, 'model_index.json'), JSON.stringify(renamed));

  const draw = async (...args: string[]): Promise<Buffer> => {
    const all = ['generate', 'cat', '-m', folder, '--size', '64', '--steps', '2', '--seed', '1', ...args];
    const { code, stderr } = await runMain([...all, '-o', 'lcm.png', '--overwrite'], { cwd });
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('ERR_')]);
    return readFileSync(join(cwd, 'lcm.png'));
  };
  const plain = await draw();
  expect(await draw('--original-inference-steps', '50')).toEqual(plain);
  expect(await draw('--original-inference-steps', '5')).not.toEqual(plain);
  expect(await runMain(['generate', 'cat', '-m', MODEL, ...FAST, '--original-inference-steps', '4'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--original-inference-steps is for other models; this one has no such option.'),
  });
});
