import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { Image, readImageInfo } from '@thimble/core';
import { testCheckpoint } from '@thimble/plugin-testkit';
import { parseControlSetting } from '../src/generate/parseControlSetting.js';
import { parseEmbeddingSetting } from '../src/generate/parseEmbeddingSetting.js';
import { stripes, writeInversion, writeRandomControlNet, writeTestAdapter } from './support/adapterKinds.js';
import { runMain } from './support/runMain.js';
import { writeTinyLora } from './support/writeTinyLora.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const folder = temporaryFolder();
const FAST = ['--model', testCheckpoint, '--steps', '1', '--seed', '5', '--quiet'];

async function picture(prompt: string, name: string, flags: readonly string[]): Promise<Image> {
  const result = await runMain(['generate', prompt, ...FAST, '-o', `${name}.png`, ...flags], { cwd: folder });
  expect(result).toMatchObject({ code: 0, stderr: '' });
  return Image.open(join(folder, `${name}.png`));
}

describe('thimble generate', () => {
  test('--control draws after a picture, in its size; a negative scale does otherwise', async () => {
    const model = await writeRandomControlNet(join(folder, 'net'), testCheckpoint);
    await stripes(64, 48).save(join(folder, 'stripes.png'));
    const control = ['--control', `model=${model},image=stripes.png`];
    const [plain, controlled] = [
      await picture('a fox', 'plain', ['--size', '64x48']),
      await picture('a fox', 'controlled', control),
    ];
    expect([controlled.width, controlled.height]).toEqual([64, 48]);
    expect(controlled.data).not.toEqual(plain.data);
    const twice = [`${control[1]},scale=0.5`, `${control[1]},scale=-0.5`].flatMap((net) => ['--control', net]);
    const info = await picture('a fox', 'nothing', twice);
    const far = info.data.reduce((worst, level, i) => Math.max(worst, Math.abs(level - plain.data[i]!)), 0);
    expect(far).toBeLessThanOrEqual(1);
    expect((await readImageInfo(join(folder, 'controlled.png'))).width).toBe(64);
  });

  test('--ip-adapter takes pictures as prompts, in the measure of their scale', async () => {
    const model = await writeTestAdapter(join(folder, 'ip-adapter'));
    await stripes(40, 30).save(join(folder, 'prompt.png'));
    const flags = (more: string): string[] => ['--ip-adapter', `model=${model},image=prompt.png${more}`];
    const [plain, none, two] = [
      await picture('a fox', 'no-adapter', []),
      await picture('a fox', 'no-scale', flags(',scale=0')),
      await picture('a fox', 'two', flags(',image=prompt.png,scale=0.9')),
    ];
    expect(none.data).toEqual(plain.data);
    expect(two.data).not.toEqual(plain.data);
  });

  test('--lora-dir finds the LoRAs of prompts', async () => {
    await writeTinyLora(join(folder, 'tiny.safetensors'));
    const [plain, asked, given] = [
      await picture('a fox', 'no-lora', []),
      await picture('a fox<lora:tiny:0.7>', 'asked', ['--lora-dir', folder]),
      await picture('a fox', 'given', ['--lora', `${folder}/tiny.safetensors=0.7`]),
    ];
    expect(asked.data).toEqual(given.data);
    expect(asked.data).not.toEqual(plain.data);
    const args = ['generate', 'a fox<lora:../tiny>', ...FAST, '--lora-dir', folder];
    expect((await runMain(args, { cwd: folder })).stderr).toContain('--lora-dir');
  });

  test('--embedding gives prompts a word, under the name that is asked for', async () => {
    const file = await writeInversion(folder, '<toy>', { '<toy>': [2, 16] });
    const [without, own, other] = [
      await picture('a <toy>', 'without', []),
      await picture('a <toy>', 'own', ['--embedding', file]),
      await picture('a zzgubu', 'other', ['--embedding', `${file}=zzgubu`]),
    ];
    expect(own.data).not.toEqual(without.data);
    expect(other.data).toEqual(own.data);
  });

  test.each([
    ['--control', 'image=x.png'],
    ['--control', 'model=x,scale=much'],
    ['--control', 'model=x,strength=1'],
    ['--embedding', '=toy'],
    ['--ip-adapter', 'model=x'],
    ['--ip-adapter', 'model=x,image=y,scale=much'],
    ['--ip-adapter', 'model=x,image=y,strength=1'],
  ])('%s %s is wrong usage', async (flag, value) => {
    const { code, stderr } = await runMain(['generate', 'a fox', ...FAST, flag, value], { cwd: folder });
    expect([code, stderr.includes(flag)]).toEqual([2, true]);
  });

  test('--control with a preprocessor that there is not says what there is', async () => {
    const { code, stderr } = await runMain(
      ['generate', 'a fox', ...FAST, '--control', 'model=x,image=y,preprocess=depth'],
      {
        cwd: folder,
      },
    );
    expect([code, stderr.includes('canny')]).toEqual([1, true]);
  });
});

test('a path may hold commas, and a sign of equality', () => {
  expect(parseControlSetting('model=a,b,image=c=d.png,start=0.25,guess=true')).toEqual({
    model: 'a,b',
    image: 'c=d.png',
    controlGuidanceStart: 0.25,
    guessMode: true,
  });
  const here = fileURLToPath(import.meta.url);
  expect(parseEmbeddingSetting(here)).toEqual({ file: here });
  expect(parseEmbeddingSetting('a=b.safetensors=c')).toEqual({ file: 'a=b.safetensors', token: 'c' });
});
