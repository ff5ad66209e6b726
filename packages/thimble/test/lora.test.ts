import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Image } from '@thimble/core';
import { testCheckpoint } from '@thimble/plugin-testkit';
import { parseLoraSetting } from '../src/generate/parseLoraSetting.js';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';
import { writeTinyLora } from './support/writeTinyLora.js';

const folder = temporaryFolder();

test.each([
  ['detail.safetensors', { file: 'detail.safetensors' }],
  ['detail.safetensors=0.6', { file: 'detail.safetensors', scale: 0.6 }],
  ['a=b/detail.safetensors', { file: 'a=b/detail.safetensors' }],
  ['a=b/detail.safetensors=-1', { file: 'a=b/detail.safetensors', scale: -1 }],
  ['C:\\loras\\x=1.safetensors=0.5', { file: 'C:\\loras\\x=1.safetensors', scale: 0.5 }],
  ['owner/name:file.safetensors=0.5', { id: 'owner/name:file.safetensors', scale: 0.5 }],
  ['owner/name@v2:a/file.safetensors', { id: 'owner/name@v2:a/file.safetensors' }],
])('--lora %s', (text, expected) => {
  expect(parseLoraSetting(text)).toEqual(expected);
});

test.each(['', '=1', 'a.safetensors=', 'a.safetensors=strong'])('--lora %s is refused', (text) => {
  expect(() => parseLoraSetting(text)).toThrow('FILE=SCALE');
});

test('--lora changes pictures in the measure of its scale', async () => {
  await writeTinyLora(join(folder, 'tiny.safetensors'));
  const picture = async (name: string, ...flags: string[]): Promise<Image> => {
    const fast = ['--model', testCheckpoint, '--size', '32x32', '--steps', '1', '--seed', '5', '--quiet'];
    const result = await runMain(['generate', 'a fox', ...fast, '-o', `${name}.png`, ...flags], { cwd: folder });
    expect(result).toMatchObject({ code: 0, stderr: '' });
    return Image.open(join(folder, `${name}.png`));
  };
  const plain = await picture('plain');
  expect((await picture('none', '--lora', 'tiny.safetensors=0')).data).toEqual(plain.data);
  expect((await picture('strong', '--lora', 'tiny.safetensors=4')).data).not.toEqual(plain.data);
});
