import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { resolveModel } from '@thimble/core/model';
import { DerivedWeightsCache, SafetensorsFile, writeSafetensors } from '@thimble/core/plugin';
import { runMain } from './support/runMain.js';
import { temporaryFolder } from './support/temporaryFolder.js';

const COMMIT = 'a'.repeat(40);
const MB = 2 ** 20;
const root = temporaryFolder();
const outside = join(root, 'outside');
let hub: string;
let count = 0;

/** A model in the cache with one component, whose weights have so many bytes. */
function writeModel(name: string, bytes: number): string {
  const folder = join(hub, `models--me--${name}`);
  const snapshot = join(folder, 'snapshots', COMMIT);
  mkdirSync(join(snapshot, 'unet'), { recursive: true });
  mkdirSync(join(folder, 'blobs'));
  mkdirSync(join(folder, 'refs'));
  writeFileSync(join(folder, 'refs', 'main'), COMMIT);
  writeFileSync(join(folder, 'blobs', 'weights'), new Uint8Array(bytes));
  writeFileSync(join(snapshot, 'config.json'), '{ "_class_name": "AutoencoderKL" }');
  symlinkSync('../../blobs/weights', join(snapshot, 'diffusion_pytorch_model.safetensors'));
  return folder;
}

/** Weights as a plugin makes them of a file of a model's. */
async function deriveWeights(folder: string, recipe: string): ReturnType<DerivedWeightsCache['open']> {
  const file = join(folder, 'snapshots', COMMIT, 'unet', 'model.safetensors');
  const tensor = { dtype: 'F32' as const, shape: [1000], data: new Uint8Array(4000) };
  await writeSafetensors(file, new Map([['x', tensor]]));
  const { tensors } = await SafetensorsFile.open(file);
  return new DerivedWeightsCache().open({
    name: recipe,
    sources: tensors.values(),
    tensors: () => new Map([['y', tensor]]),
  });
}

const environment = { HF_HUB_CACHE: process.env['HF_HUB_CACHE'], THIMBLE_CACHE: process.env['THIMBLE_CACHE'] };
beforeAll(() => {
  mkdirSync(outside);
  writeFileSync(join(outside, 'precious'), 'precious');
});
beforeEach(() => {
  hub = join(root, `hub-${++count}`);
  mkdirSync(hub);
  Object.assign(process.env, { HF_HUB_CACHE: hub, THIMBLE_CACHE: join(root, `made-${count}`) });
});
afterAll(() => {
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

test('empty caches, and caches that are not there, are told of as such', async () => {
  process.env['HF_HUB_CACHE'] = join(root, 'none');
  expect(await runMain(['cache', 'list'])).toEqual({ code: 0, stdout: 'The caches are empty.\n', stderr: '' });
  expect((await runMain(['cache', 'size', '--json'])).stdout).toContain('"bytes":0');
  expect(await runMain(['cache', 'clear'])).toMatchObject({ code: 0, stdout: '0 bytes freed.\n' });
  expect(await runMain(['cache'])).toMatchObject({ code: 2, stderr: expect.stringContaining('Usage: thimble cache') });
});

test('list and size tell of models and made weights, the largest first', async () => {
  writeModel('small', MB);
  const large = writeModel('large', 3 * MB);
  await (await deriveWeights(large, `int8/1 ${'tensor=1,'.repeat(99)}`))[Symbol.asyncDispose]();
  const today = new Date().toISOString().slice(0, 10);
  const { stdout } = await runMain(['cache', 'list']);
  expect(stdout.split('\n').slice(0, 3)).toEqual([
    expect.stringMatching(/^MODEL +SIZE {2}LAST USED$/),
    `me/large  3.0 MB  ${today}`,
    `me/small  1.0 MB  ${today}`,
  ]);
  expect(stdout).toMatch(
    /\n\nWEIGHTS +SIZE +LAST USED +MADE OF\n[0-9a-f]{12} +4\.\d KB +\d{4}-\d\d-\d\d +me\/large unet,( |\n +)int8\/1( |\n +)tensor=.*…\n$/,
  );
  expect((await runMain(['cache', 'size'])).stdout).toMatch(
    /models of the hub +2 +4\.0 MB\nmade weights +1 +4\.\d KB\n/,
  );
  const json = JSON.parse((await runMain(['cache', 'list', '--json'])).stdout) as object;
  expect(json).toMatchObject({
    models: [{ id: 'me/large', inUse: false }, { id: 'me/small' }],
    weightLimit: 20 * 2 ** 30,
  });
});

describe('clear', () => {
  test('removes one by its name, and refuses names that are none', async () => {
    const [one, other] = [writeModel('one', 10), writeModel('other', 10)];
    expect(await runMain(['cache', 'clear', 'me/one'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/freed/),
    });
    expect([existsSync(one), existsSync(other)]).toEqual([false, true]);
    await (await deriveWeights(other, 'fp8/1'))[Symbol.asyncDispose]();
    const [entry] = await new DerivedWeightsCache().list();
    for (const name of ['me/none', '../outside', 'models--me--other', 'me', '', entry!.key.slice(0, 3)])
      expect(await runMain(['cache', 'clear', name])).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/cache list/),
      });
    expect((await runMain(['cache', 'clear', entry!.key.slice(0, 8)])).code).toBe(0);
    expect(await new DerivedWeightsCache().list()).toEqual([]);
    expect(existsSync(other)).toBe(true);
  });

  test('of all stays within the caches, and leaves what is in use, which it names', async () => {
    const [opened, loading, free] = ['opened', 'loading', 'free'].map((name) => writeModel(name, 10)) as [
      string,
      string,
      string,
    ];
    await resolveModel('me/opened', { localFilesOnly: true });
    writeFileSync(join(loading, 'blobs', 'x.incomplete.lock'), `${process.pid} ${hostname()}`);
    mkdirSync(join(hub, 'datasets--me--data'));
    symlinkSync(outside, join(hub, 'models--me--link'));
    symlinkSync(outside, join(free, 'snapshots', 'link'));
    await using used = await deriveWeights(free, 'used/1');
    await (await deriveWeights(free, 'unused/1'))[Symbol.asyncDispose]();
    const { code, stderr } = await runMain(['cache', 'clear']);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/ERR_CACHE_NOT_CLEARED/)]);
    for (const name of ['me/opened', 'me/loading']) expect(stderr).toContain(name);
    expect([opened, loading, free].map((folder) => existsSync(folder))).toEqual([true, true, false]);
    expect((await new DerivedWeightsCache().list()).map(({ origin }) => origin?.recipe)).toEqual(['used/1']);
    expect(existsSync(used.file)).toBe(true);
    expect(existsSync(join(outside, 'precious'))).toBe(true);
    expect(existsSync(join(hub, 'models--me--link'))).toBe(false);
    expect(existsSync(join(hub, 'datasets--me--data'))).toBe(true);
  });

  test('of one kind leaves the other, and what a program that has ended used is free', async () => {
    const model = writeModel('kind', 10);
    const leases = join(process.env['THIMBLE_CACHE']!, 'in-use');
    mkdirSync(leases, { recursive: true });
    writeFileSync(join(leases, 'models--me--kind.1-x.lease'), `${2 ** 22 + 1} ${hostname()}`);
    await (await deriveWeights(model, 'kind/1'))[Symbol.asyncDispose]();
    expect((await runMain(['cache', 'clear', '--only', 'weights', '--yes'])).code).toBe(0);
    expect([existsSync(model), await new DerivedWeightsCache().list()]).toEqual([true, []]);
    expect((await runMain(['cache', 'clear', 'me/kind', '--only', 'models'])).code).toBe(2);
    expect((await runMain(['cache', 'clear', '--only', 'models'])).code).toBe(0);
    expect(existsSync(model)).toBe(false);
  });
});
