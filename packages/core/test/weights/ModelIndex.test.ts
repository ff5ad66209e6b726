import { describe, expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readModelIndex } from '../../src/weights/ModelIndex.js';
import { useTemporaryFolders } from './temporaryFolder.js';

const newFolder = useTemporaryFolders();

async function folderWith(files: Readonly<Record<string, unknown>>): Promise<string> {
  const folder = await newFolder();
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), JSON.stringify(content));
  return folder;
}

describe('readModelIndex', () => {
  test('reads a pipeline: components, components left out, other fields', async () => {
    const folder = await folderWith({
      'model_index.json': {
        _class_name: 'StableDiffusionPipeline',
        _diffusers_version: '0.42.1',
        requires_safety_checker: false,
        safety_checker: [null, null],
        unet: ['diffusers', 'UNet2DConditionModel'],
      },
    });
    expect(await readModelIndex(folder)).toEqual({
      folder,
      kind: 'pipeline',
      className: 'StableDiffusionPipeline',
      components: { safety_checker: null, unet: { library: 'diffusers', className: 'UNet2DConditionModel' } },
      config: { _diffusers_version: '0.42.1', requires_safety_checker: false },
    });
  });

  test.each([
    [{ _class_name: 'AutoencoderKL', latent_channels: 4 }, 'AutoencoderKL'],
    [{ architectures: ['CLIPTextModel'] }, 'CLIPTextModel'],
  ])('a folder with only config.json is a single model: %j', async (config, className) => {
    const folder = await folderWith({ 'config.json': config });
    expect(await readModelIndex(folder)).toEqual({ folder, kind: 'model', className, components: {}, config });
  });

  test.each([
    ['an empty folder', {}],
    ['a config without a class', { 'config.json': { hidden_size: 3 } }],
    ['an index without a class', { 'model_index.json': { unet: ['diffusers', 'X'] } }],
    ['half a component', { 'model_index.json': { _class_name: 'P', unet: ['diffusers'] } }],
    ['a component that leaves the folder', { 'model_index.json': { _class_name: 'P', '../unet': ['diffusers', 'X'] } }],
    ['a component called ".."', { 'model_index.json': { _class_name: 'P', '..': ['diffusers', 'X'] } }],
  ])('%s is refused, and what is expected is said', async (_, files) => {
    await expect(readModelIndex(await folderWith(files))).rejects.toMatchObject({
      code: 'ERR_MODEL_FOLDER_INVALID',
      message: expect.stringContaining('a folder with model_index.json (a pipeline) or config.json'),
    });
  });

  test('a missing folder and malformed JSON have codes of their own', async () => {
    await expect(readModelIndex(join(await newFolder(), 'x'))).rejects.toMatchObject({ code: 'ERR_FILE_NOT_FOUND' });
    const folder = await newFolder();
    await writeFile(join(folder, 'model_index.json'), '{"_class_name": "P",}');
    await expect(readModelIndex(folder)).rejects.toMatchObject({
      code: 'ERR_JSON_INVALID',
      details: { line: 1, column: 21 },
    });
  });
});
