import { expect, test } from '@jest/globals';
import { parseLoraSetting } from '../src/generate/parseLoraSetting.js';

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
