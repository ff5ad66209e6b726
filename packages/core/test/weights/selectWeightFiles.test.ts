import { expect, test } from '@jest/globals';
import { selectWeightFiles } from '../../src/weights/files/selectWeightFiles.js';

const [D, T] = ['diffusion_pytorch_model', 'model'];
const index = (base: string): string => `${base}.safetensors.index.json`;

/** What `from_pretrained` of diffusers' and transformers' classes opens, read from their sources: the library, the variant, what lies there, what is taken. */
const CASES: readonly (readonly [string, string | undefined, readonly string[], string | undefined])[] = [
  ['diffusers', undefined, [`${D}.safetensors`, index(D)], index(D)],
  ['transformers', undefined, [`${T}.safetensors`, index(T)], `${T}.safetensors`],
  ['diffusers', undefined, [`${T}.safetensors`, `${D}.safetensors`], `${D}.safetensors`],
  ['transformers', undefined, [`${T}.safetensors`, `${D}.safetensors`], `${T}.safetensors`],
  ['diffusers', undefined, [index(T), `${T}.safetensors`, `${D}.safetensors`], `${D}.safetensors`],
  ['transformers', undefined, [index(T), index(D), `${D}.safetensors`], index(T)],
  [
    'diffusers',
    'fp16',
    [`${D}.fp16.safetensors`, `${D}.safetensors.index.fp16.json`],
    `${D}.safetensors.index.fp16.json`,
  ],
  [
    'diffusers',
    'fp16',
    [`${D}.fp16.safetensors`, `${D}.safetensors.fp16.index.json`],
    `${D}.safetensors.fp16.index.json`,
  ],
  ['transformers', 'fp16', [`${T}.fp16.safetensors`, `${T}.safetensors.index.fp16.json`], `${T}.fp16.safetensors`],
  ['diffusers', 'fp16', [index(D), `${D}.safetensors`, `${D}.fp16.safetensors`], `${D}.fp16.safetensors`],
  ['diffusers', 'bf16', [index(D), `${D}.safetensors`, `${D}.fp16.safetensors`], index(D)],
  // The other library's file is not this component's, whatever format its own are in.
  ['diffusers', undefined, [`${D}.bin`, `${T}.safetensors`], undefined],
  ['transformers', undefined, ['pytorch_model.bin', `${D}.safetensors`], undefined],
  ['diffusers', 'fp16', [`${D}.safetensors`, `${T}.fp16.safetensors`], `${D}.safetensors`],
  ['diffusers', undefined, [`${T}.fp16.safetensors`, `${D}.non_ema.safetensors`], `${D}.non_ema.safetensors`],
  // Where nothing else lies there it may be called either way, as checkpoints of outsiders are.
  ['diffusers', undefined, [`${T}.safetensors`, `${T}.onnx`], `${T}.safetensors`],
  ['transformers', undefined, [`${D}.safetensors`], `${D}.safetensors`],
  ['somebody', undefined, [`${T}.safetensors`], `${T}.safetensors`],
  ['somebody', undefined, [`${T}.safetensors`, `${D}.safetensors`], `${D}.safetensors`],
];

test.each(CASES)('%s, variant %s, takes of %j %s', (library, variant, names, expected) => {
  for (const order of [names, [...names].reverse()])
    expect(selectWeightFiles(order, { library, variant }).weights?.name).toBe(expected);
});

test('says what it looked for, in the names of the library', () => {
  expect(selectWeightFiles([], { library: 'transformers', variant: 'fp16' }).lookedFor).toEqual([
    'model.fp16.safetensors',
    'model.safetensors.index.fp16.json',
    'model.safetensors',
    'model.safetensors.index.json',
  ]);
  expect(selectWeightFiles([`${D}.bin`, 'x.txt'], { library: 'diffusers' })).toMatchObject({
    lookedFor: [`${D}.safetensors`, index(D)],
    unsupported: [`${D}.bin`],
  });
});
