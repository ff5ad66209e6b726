import { describe, expect, test } from '@jest/globals';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openComponentCheckpoint } from '../../src/weights/ComponentCheckpoint.js';
import type { CheckpointWarning, ComponentCheckpoint } from '../../src/weights/ComponentCheckpoint.js';
import { writeSafetensors } from '../../src/weights/files/writeSafetensors.js';
import { useTemporaryFolders } from './temporaryFolder.js';

const newFolder = useTemporaryFolders();
const config = { _class_name: 'UNet2DConditionModel', sample_size: 16 };

async function writeWeights(path: string, ...names: readonly string[]): Promise<void> {
  await writeSafetensors(
    path,
    Object.fromEntries(names.map((name) => [name, { dtype: 'U8', shape: [2], data: new Uint8Array(2) }])),
  );
}

/** A folder with a config and weights: file name → names of its tensors, or the contents of a JSON or other file. */
async function component(files: Readonly<Record<string, readonly string[] | object | string>>): Promise<string> {
  const folder = await newFolder();
  for (const [name, content] of Object.entries({ 'config.json': config, ...files })) {
    if (Array.isArray(content)) await writeWeights(join(folder, name), ...(content as string[]));
    else await writeFile(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}

const index = (map: Readonly<Record<string, unknown>>): object => ({ metadata: { total_size: 4 }, weight_map: map });

async function openWithWarnings(
  folder: string,
  variant?: string,
): Promise<{ checkpoint: ComponentCheckpoint; warnings: CheckpointWarning[] }> {
  const warnings: CheckpointWarning[] = [];
  const checkpoint = await openComponentCheckpoint(folder, { variant, onWarning: (warning) => warnings.push(warning) });
  return { checkpoint, warnings };
}

describe('openComponentCheckpoint', () => {
  test('reads the config and finds the tensors of one file', async () => {
    const folder = await component({ 'diffusion_pytorch_model.safetensors': ['a', 'b'] });
    const checkpoint = await openComponentCheckpoint(folder);
    expect(checkpoint).toMatchObject({ folder, config, className: 'UNet2DConditionModel', byteLength: 4 });
    expect(checkpoint.files).toEqual([join(folder, 'diffusion_pytorch_model.safetensors')]);
    expect([...checkpoint.tensors.keys()]).toEqual(['a', 'b']);
    expect(checkpoint).not.toHaveProperty('variant');
  });

  test("takes the class from transformers' architectures", async () => {
    const folder = await component({ 'config.json': { architectures: ['CLIPTextModel'] }, 'model.safetensors': ['a'] });
    expect((await openComponentCheckpoint(folder)).className).toBe('CLIPTextModel');
  });

  test.each([
    ['diffusion_pytorch_model.safetensors.index.fp16.json', 'diffusion_pytorch_model.fp16-0000N-of-00002.safetensors'],
    ['model.safetensors.index.fp16.json', 'model.fp16-0000N-of-00002.safetensors'],
    ['diffusion_pytorch_model.safetensors.fp16.index.json', 'diffusion_pytorch_model-0000N-of-00002.fp16.safetensors'],
    ['model.fp16.safetensors.index.json', 'model.fp16-0000N-of-00002.safetensors'],
  ])('joins the shards of a variant: %s', async (indexName, shard) => {
    const [first, second] = [shard.replace('N', '1'), shard.replace('N', '2')] as [string, string];
    const folder = await component({ [first]: ['a'], [second]: ['b'], [indexName]: index({ a: first, b: second }) });
    const { checkpoint, warnings } = await openWithWarnings(folder, 'fp16');
    expect(checkpoint.variant).toBe('fp16');
    expect(checkpoint.tensors.get('b')!.file).toBe(join(folder, second));
    expect(checkpoint.files).toHaveLength(2);
    expect(warnings).toEqual([]);
    expect((await openWithWarnings(folder)).warnings).toMatchObject([{ code: 'WARN_VARIANT_ONLY' }]);
  });

  test('shards that are links, as in the hub cache, keep their real places', async () => {
    const folder = await component({
      'model.safetensors.index.json': index({ a: 'model-00001-of-00001.safetensors' }),
    });
    const blobs = await newFolder();
    await writeWeights(join(blobs, '0123abcd'), 'a');
    await symlink(join(blobs, '0123abcd'), join(folder, 'model-00001-of-00001.safetensors'));
    expect((await openComponentCheckpoint(folder)).tensors.get('a')!.file).toBe(join(blobs, '0123abcd'));
  });

  test.each([
    '../x.safetensors',
    '/etc/x.safetensors',
    'a/b.safetensors',
    String.raw`..\x.safetensors`,
    'C:x.safetensors',
    '..safetensors',
    'x.bin',
    7,
  ])('an index cannot lead to %j', async (shard) => {
    const folder = await component({ 'model.safetensors.index.json': index({ a: shard }) });
    await expect(openComponentCheckpoint(folder)).rejects.toMatchObject({
      code: 'ERR_SHARD_INDEX_INVALID',
      message: expect.stringContaining('tensor "a"'),
    });
  });

  test('an index has to agree with its shards', async () => {
    const one = 'model-00001-of-00002.safetensors';
    const two = 'model-00002-of-00002.safetensors';
    const twice = await component({
      [one]: ['a', 'b'],
      [two]: ['b'],
      'model.safetensors.index.json': index({ a: one, b: two }),
    });
    await expect(openComponentCheckpoint(twice)).rejects.toMatchObject({
      code: 'ERR_SHARD_INDEX_INVALID',
      message: expect.stringContaining(`tensor "b" is both in "${one}" and in "${two}"`),
    });
    const absent = await component({
      [one]: ['a'],
      [two]: ['b'],
      'model.safetensors.index.json': index({ a: one, b: two, c: two }),
    });
    await expect(openComponentCheckpoint(absent)).rejects.toMatchObject({
      code: 'ERR_SHARD_INDEX_INVALID',
      message: expect.stringContaining(`tensor "c" is in "${two}", where it is not`),
    });
    const moved = await component({
      [one]: ['a'],
      [two]: ['b'],
      'model.safetensors.index.json': index({ a: two, b: one }),
    });
    await expect(openComponentCheckpoint(moved)).rejects.toMatchObject({ code: 'ERR_SHARD_INDEX_INVALID' });
    await rm(join(absent, two));
    await expect(openComponentCheckpoint(absent)).rejects.toMatchObject({
      code: 'ERR_SHARD_MISSING',
      details: { shard: two },
    });
    for (const empty of [{}, { weight_map: [] }, index({})]) {
      const folder = await component({ 'model.safetensors.index.json': empty });
      await expect(openComponentCheckpoint(folder)).rejects.toMatchObject({ code: 'ERR_SHARD_INDEX_INVALID' });
    }
  });

  test('chooses between plain files and a variant', async () => {
    const both = await component({ 'model.safetensors': ['a'], 'model.fp16.safetensors': ['b'] });
    expect(await openWithWarnings(both)).toMatchObject({
      warnings: [],
      checkpoint: { files: [join(both, 'model.safetensors')] },
    });
    expect(await openWithWarnings(both, 'fp16')).toMatchObject({
      warnings: [],
      checkpoint: { variant: 'fp16', files: [join(both, 'model.fp16.safetensors')] },
    });
    const fallback = await openWithWarnings(both, 'bf16');
    expect(fallback.checkpoint.files).toEqual([join(both, 'model.safetensors')]);
    expect(fallback.warnings).toMatchObject([
      { type: 'warning', code: 'WARN_VARIANT_MISSING', message: expect.stringContaining('"bf16"') },
    ]);
  });

  test('loads the only variant there is, with a warning, but does not choose between two', async () => {
    const one = await component({ 'model.fp16.safetensors': ['a'] });
    expect(await openWithWarnings(one)).toMatchObject({
      checkpoint: { variant: 'fp16' },
      warnings: [{ code: 'WARN_VARIANT_ONLY' }],
    });
    await expect(openComponentCheckpoint(one, { variant: 'bf16' })).rejects.toMatchObject({
      code: 'ERR_WEIGHTS_NOT_FOUND',
      details: { variants: ['fp16'] },
    });
    const two = await component({ 'model.fp16.safetensors': ['a'], 'model.non_ema.safetensors': ['a'] });
    await expect(openComponentCheckpoint(two)).rejects.toMatchObject({
      message: expect.stringContaining('variants fp16, non_ema: pass one as "variant"'),
    });
  });

  test('says what was looked for, and that .bin is not supported', async () => {
    const folder = await component({ 'diffusion_pytorch_model.bin': 'x', 'diffusion_pytorch_model.fp16.bin': 'x' });
    await expect(openComponentCheckpoint(folder, { variant: 'fp16' })).rejects.toMatchObject({
      code: 'ERR_WEIGHTS_NOT_FOUND',
      message: expect.stringMatching(
        /diffusion_pytorch_model\.fp16\.safetensors.*model\.safetensors.*diffusion_pytorch_model\.bin.*convert it to safetensors/,
      ),
    });
  });

  test('a malformed config is located', async () => {
    const folder = await component({ 'config.json': '{\n  "a": 1,\n  "b": oops\n}' });
    await expect(openComponentCheckpoint(folder)).rejects.toMatchObject({
      code: 'ERR_JSON_INVALID',
      details: { file: join(folder, 'config.json'), line: 3, column: 8 },
    });
    const list = await component({ 'config.json': '[1]' });
    await expect(openComponentCheckpoint(list)).rejects.toMatchObject({ code: 'ERR_JSON_INVALID' });
  });

  test('a missing folder and a folder without config are told apart', async () => {
    const folder = await newFolder();
    await expect(openComponentCheckpoint(join(folder, 'unet'))).rejects.toMatchObject({ code: 'ERR_FILE_NOT_FOUND' });
    await mkdir(join(folder, 'unet'));
    await expect(openComponentCheckpoint(join(folder, 'unet'))).rejects.toMatchObject({
      code: 'ERR_MODEL_FOLDER_INVALID',
    });
  });
});
