import { cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { convertCheckpoint, DiffusionPipeline, UNet2DConditionModel } from '../../src/index.js';
import { resolveModel } from '../../src/weights/resolveModel.js';
import { fixturePath } from '../support/fixturePath.js';
import { useTemporaryFolders } from './temporaryFolder.js';

const newFolder = useTemporaryFolders();

/** A checkpoint's folder with empty files in some of its parts, and a secret beside it. */
async function checkpoint(): Promise<{ readonly folder: string; readonly secret: string }> {
  const around = await newFolder();
  const folder = join(around, 'model');
  for (const part of ['unet', 'tokenizer', '.git', 'a/b']) await mkdir(join(folder, part), { recursive: true });
  await writeFile(join(folder, 'model_index.json'), '{}');
  const secret = join(around, 'secret.json');
  await writeFile(secret, '{}');
  return { folder, secret };
}

const REFUSED = (path: string, target: string): object => ({
  code: 'ERR_LINK_OUTSIDE',
  details: { path: join(...path.split('/')), target },
});

test.each(['config.json', 'unet/config.json', 'tokenizer/vocab.json', 'unet/.model.safetensors', 'secrets'])(
  'a link out of the checkpoint is refused, and followed where that is allowed: %s',
  async (path) => {
    const { folder, secret } = await checkpoint();
    await symlink(secret, join(folder, path));
    await expect(resolveModel(folder)).rejects.toMatchObject(REFUSED(path, secret));
    expect(await resolveModel(folder, { allowSymlinks: true })).toEqual({ folder, source: 'folder' });
  },
);

test('a folder that is a link, a link by way of a folder inside, and one in a named part lead no less outside', async () => {
  const { folder, secret } = await checkpoint();
  await symlink(join(secret, '..'), join(folder, 'vae'));
  await expect(resolveModel(folder)).rejects.toMatchObject(REFUSED('vae', join(secret, '..')));

  const hidden = await checkpoint();
  await symlink(hidden.secret, join(hidden.folder, '.git/config.json'));
  expect(await resolveModel(hidden.folder)).toMatchObject({ source: 'folder' });
  await symlink('.git', join(hidden.folder, 'vae'));
  await expect(resolveModel(hidden.folder)).rejects.toMatchObject(REFUSED('vae/config.json', hidden.secret));

  const deep = await checkpoint();
  await symlink(deep.secret, join(deep.folder, 'a/b/config.json'));
  await expect(resolveModel(deep.folder, { components: ['a/b'] })).rejects.toMatchObject(
    REFUSED('a/b/config.json', deep.secret),
  );
});

test("links inside, into the hub's cache and to nowhere are no matter, nor is a folder that is one itself", async () => {
  const { folder } = await checkpoint();
  const blobs = join(await newFolder(), 'models--owner--name', 'blobs');
  await mkdir(blobs, { recursive: true });
  await writeFile(join(blobs, '0123abcd'), '{}');
  await symlink(join(blobs, '0123abcd'), join(folder, 'unet/config.json'));
  await symlink('../model_index.json', join(folder, 'unet/inside.json'));
  await symlink('unet', join(folder, 'vae'));
  await symlink('nowhere', join(folder, 'gone.json'));
  const link = join(await newFolder(), 'link');
  await symlink(folder, link);
  expect(await resolveModel(link)).toEqual({ folder: link, source: 'folder' });
});

test('pipelines, models and conversion say which link it is, before anything is read or written', async () => {
  const around = await newFolder();
  const folder = join(around, 'model');
  await cp(fixturePath('sd-tiny'), folder, { recursive: true, filter: (path) => !path.endsWith('vocab.json') });
  await symlink(fixturePath('sd-tiny/tokenizer/vocab.json'), join(folder, 'tokenizer/vocab.json'));
  const refused = REFUSED('tokenizer/vocab.json', fixturePath('sd-tiny/tokenizer/vocab.json'));
  await expect(DiffusionPipeline.fromPretrained(folder)).rejects.toMatchObject(refused);
  await expect(UNet2DConditionModel.fromPretrained(folder, { subfolder: 'unet' })).rejects.toMatchObject(refused);
  const out = join(around, 'out');
  await expect(convertCheckpoint(folder, out, { layout: 'diffusers' })).rejects.toMatchObject(refused);
  const components = { vae: folder };
  await expect(DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), { components })).rejects.toMatchObject(refused);
  await using pipe = await DiffusionPipeline.fromPretrained(folder, {
    allowSymlinks: true,
    components: ['tokenizer', 'text_encoder'],
  });
  expect(Object.keys(pipe.components)).toEqual(['text_encoder']);
});
