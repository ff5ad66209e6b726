import { execFile } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';
import { readCacheSettings } from '../../../src/weights/cache/CacheSettings.js';
import {
  type DerivedWeights,
  DerivedWeightsCache,
  type DerivedWeightsProgress,
  type DerivedWeightsRecipe,
} from '../../../src/weights/cache/DerivedWeightsCache.js';
import { readTensor } from '../../../src/weights/files/readTensor.js';
import { SafetensorsFile } from '../../../src/weights/files/SafetensorsFile.js';
import { writeSafetensors } from '../../../src/weights/files/writeSafetensors.js';
import { useTemporaryFolders } from '../temporaryFolder.js';

const LENGTH = 5000;
const temporaryFolder = useTemporaryFolders();

async function checkpoint(folder: string, fill: number, name = 'model'): Promise<SafetensorsFile> {
  const path = join(folder, `${name}.safetensors`);
  await writeSafetensors(path, { a: { dtype: 'U8', shape: [LENGTH], data: new Uint8Array(LENGTH).fill(fill) } });
  return SafetensorsFile.open(path);
}

/** Doubles every byte, in five pieces. */
function doubling(
  file: SafetensorsFile,
  made: { count: number } = { count: 0 },
  name = 'doubling/1',
): DerivedWeightsRecipe {
  const source = file.tensor('a');
  return {
    name,
    sources: [source],
    tensors: () => {
      made.count++;
      return new Map([
        [
          'a',
          {
            dtype: 'U8',
            shape: [LENGTH],
            async *data() {
              const bytes = await readTensor(source);
              for (let at = 0; at < LENGTH; at += LENGTH / 5)
                yield bytes.subarray(at, at + LENGTH / 5).map((byte) => 2 * byte);
            },
          },
        ],
      ]);
    },
  };
}

async function valuesOf(weights: DerivedWeights): Promise<number[]> {
  return [...new Set(await readTensor(weights.tensors.get('a')!))];
}

const filesIn = (folder: string, end = ''): string[] =>
  readdirSync(join(folder, 'weights')).filter((name) => name.endsWith(end));
const cacheIn = (folder: string, maxBytes = Infinity): DerivedWeightsCache =>
  new DerivedWeightsCache({ folder, maxBytes });

test('weights are made once, and found again by what they are made from', async () => {
  const [folder, models] = [await temporaryFolder(), await temporaryFolder()];
  const made = { count: 0 };
  const seen: DerivedWeightsProgress[] = [];
  const file = await checkpoint(models, 3);
  {
    await using weights = await cacheIn(folder).open(doubling(file, made), {
      onProgress: (progress) => seen.push(progress),
    });
    expect(weights.made).toBe(true);
    expect(await valuesOf(weights)).toEqual([6]);
    expect(filesIn(folder, '.lease')).toHaveLength(1);
  }
  expect(
    filesIn(folder)
      .map((name) => name.split('.').slice(1).join('.'))
      .toSorted(),
  ).toEqual(['json', 'safetensors']);
  expect(seen.at(-1)!.loaded).toBe(seen.at(-1)!.total);
  expect(seen.map(({ loaded }) => loaded)).toEqual(seen.map(({ loaded }) => loaded).toSorted((a, b) => a - b));
  const silent: DerivedWeightsProgress[] = [];
  await using again = await cacheIn(folder).open(doubling(file, made), {
    onProgress: (progress) => silent.push(progress),
  });
  expect([again.made, silent, made.count]).toEqual([false, [], 1]);
  const copy = await checkpoint(await temporaryFolder(), 3, 'another-name');
  await using same = await cacheIn(folder).open(doubling(copy, made));
  expect([same.made, made.count]).toEqual([false, 1]);
  await using otherRecipe = await cacheIn(folder).open(doubling(file, made, 'doubling/2'));
  expect(otherRecipe.made).toBe(true);
  const changed = await checkpoint(models, 4);
  await using other = await cacheIn(folder).open(doubling(changed, made));
  expect([other.made, await valuesOf(other)]).toEqual([true, [8]]);
});

test.each([
  ['cut off', (path: string) => truncateSync(path, statSync(path).size - 10)],
  [
    'changed in the middle',
    (path: string) => {
      const bytes = readFileSync(path);
      bytes[bytes.length - 1000]! ^= 1;
      writeFileSync(path, bytes);
    },
  ],
  ['longer', (path: string) => appendFileSync(path, 'x')],
  ['gone', (path: string) => rmSync(path)],
  ['without its record', (path: string) => rmSync(path.replace('.safetensors', '.json'))],
  ['with half a record', (path: string) => writeFileSync(path.replace('.safetensors', '.json'), '{"digest":')],
])('an entry that is %s is made anew', async (_what, damage) => {
  const [folder, file] = [await temporaryFolder(), await checkpoint(await temporaryFolder(), 5)];
  const first = await cacheIn(folder).open(doubling(file));
  await first[Symbol.asyncDispose]();
  damage(first.file);
  await using again = await cacheIn(folder).open(doubling(file));
  expect([again.made, await valuesOf(again)]).toEqual([true, [10]]);
  await using third = await cacheIn(folder).open(doubling(file));
  expect(third.made).toBe(false);
});

test('an entry that only looks changed is hashed and kept', async () => {
  const [folder, file] = [await temporaryFolder(), await checkpoint(await temporaryFolder(), 5)];
  const first = await cacheIn(folder).open(doubling(file));
  await first[Symbol.asyncDispose]();
  utimesSync(first.file, new Date(0), new Date(0));
  await using again = await cacheIn(folder).open(doubling(file));
  expect(again.made).toBe(false);
});

test('nothing is left of what was aborted or failed, and it can be made afterwards', async () => {
  const [folder, file] = [await temporaryFolder(), await checkpoint(await temporaryFolder(), 5)];
  const controller = new AbortController();
  const onProgress = ({ loaded }: DerivedWeightsProgress): void => {
    if (loaded > LENGTH * 1.3) controller.abort(new Error('enough'));
  };
  await expect(cacheIn(folder).open(doubling(file), { signal: controller.signal, onProgress })).rejects.toThrow(
    'enough',
  );
  expect(filesIn(folder)).toEqual([]);
  const failing = {
    ...doubling(file),
    tensors: () => new Map([['a', { dtype: 'U8' as const, shape: [3], data: () => new Uint8Array(2) }]]),
  };
  await expect(cacheIn(folder).open(failing)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
  expect(filesIn(folder)).toEqual([]);
  await using weights = await cacheIn(folder).open(doubling(file));
  expect(await valuesOf(weights)).toEqual([10]);
});

test('calls and processes that want the same make it once', async () => {
  const [folder, file] = [await temporaryFolder(), await checkpoint(await temporaryFolder(), 7)];
  const made = { count: 0 };
  const both = await Promise.all([
    cacheIn(folder).open(doubling(file, made)),
    cacheIn(folder).open(doubling(file, made)),
  ]);
  expect([made.count, both.filter((each) => each.made).length]).toEqual([1, 1]);
  for (const each of both) await each[Symbol.asyncDispose]();
  const script = `
    import { DerivedWeightsCache, SafetensorsFile } from ${JSON.stringify(new URL('../../../dist/plugin.js', import.meta.url).href)};
    const file = await SafetensorsFile.open(process.argv[1]);
    const data = async function * () { await new Promise((done) => setTimeout(done, 300)); yield new Uint8Array(${LENGTH}).fill(1); };
    const tensors = () => new Map([['a', { dtype: 'U8', shape: [${LENGTH}], data }]]);
    const weights = await new DerivedWeightsCache().open({ name: 'slow/1', sources: [file.tensor('a')], tensors });
    console.log(weights.made, (await SafetensorsFile.open(weights.file)).tensors.size);
    await weights[Symbol.asyncDispose]();
  `;
  const run = async (): Promise<string> => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, file.path], {
      env: { ...process.env, THIMBLE_CACHE: folder },
    });
    return stdout.trim();
  };
  expect((await Promise.all([run(), run(), run()])).toSorted()).toEqual(['false 1', 'false 1', 'true 1']);
  expect(filesIn(folder).filter((name) => /lock|lease|tmp/.test(name))).toEqual([]);
});

test('above the size limit the least recently used goes, unless somebody holds it', async () => {
  const [folder, models] = [await temporaryFolder(), await temporaryFolder()];
  const cache = cacheIn(folder, 2.5 * (LENGTH + 100));
  const open = async (fill: number): Promise<DerivedWeights> =>
    cache.open(doubling(await checkpoint(models, fill, String(fill))));
  const close = async (weights: DerivedWeights): Promise<string> => {
    await weights[Symbol.asyncDispose]();
    return weights.file;
  };
  const age = (file: string, seconds: number): void =>
    utimesSync(file.replace('.safetensors', '.json'), seconds, seconds);
  const first = await close(await open(1));
  const second = await close(await open(2));
  age(first, 1000);
  age(second, 500);
  const third = await close(await open(3));
  expect([first, second, third].map((file) => existsSync(file))).toEqual([true, false, true]);
  const held = await open(1);
  age(first, 100);
  age(third, 200);
  await close(await open(4));
  expect([first, third].map((file) => existsSync(file))).toEqual([true, false]);
  await close(held);
  // A process that died without giving its lease back, and one that died while it wrote.
  writeFileSync(first.replace('.safetensors', '.9-x.lease'), `${2 ** 22 + 1} ${(await import('node:os')).hostname()}`);
  writeFileSync(join(folder, 'weights', 'abc.safetensors.9-y.tmp'), 'half');
  age(first, 100);
  await close(await open(5));
  expect(existsSync(first)).toBe(false);
  expect(filesIn(folder).filter((name) => /lock|lease|tmp/.test(name))).toEqual([]);
});

test('a folder that cannot be written is an error that names it', async () => {
  const file = await checkpoint(await temporaryFolder(), 1);
  await expect(cacheIn(file.path).open(doubling(file))).rejects.toMatchObject({
    code: 'ERR_FILE_ACCESS',
    details: { path: file.path },
  });
});

test('settings come from the environment', () => {
  expect(readCacheSettings({ THIMBLE_CACHE: '/somewhere', THIMBLE_CACHE_SIZE: '2GB' })).toEqual({
    folder: '/somewhere',
    maxBytes: 2 ** 31,
  });
  expect(readCacheSettings({ XDG_CACHE_HOME: '/caches' }).folder).toBe(join('/caches', 'thimble'));
  expect(readCacheSettings({}).folder.endsWith(join('.cache', 'thimble'))).toBe(true);
  expect(() => readCacheSettings({ THIMBLE_CACHE_SIZE: 'much' })).toThrow('THIMBLE_CACHE_SIZE');
});
