import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, readlink, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { DownloadEvent } from '../../src/weights/hub/downloadSnapshot.js';
import { resolveModel } from '../../src/weights/resolveModel.js';
import { FakeHub } from './FakeHub.js';
import { useTemporaryFolders } from './temporaryFolder.js';

const newFolder = useTemporaryFolders();
const VARIABLES = [
  'HF_ENDPOINT',
  'HF_HOME',
  'HF_HUB_CACHE',
  'HUGGINGFACE_HUB_CACHE',
  'HF_TOKEN',
  'HUGGING_FACE_HUB_TOKEN',
  'HF_TOKEN_PATH',
  'HF_HUB_OFFLINE',
  'HF_HUB_DISABLE_IMPLICIT_TOKEN',
];
const UNET = Buffer.alloc(300_000, 'unet');
const TOKEN = 'hf_verySecretToken';

let hub: FakeHub;
let home: string;
let saved: Readonly<Record<string, string | undefined>>;

beforeEach(async () => {
  saved = Object.fromEntries(VARIABLES.map((name) => [name, process.env[name]]));
  for (const name of VARIABLES) delete process.env[name];
  home = await newFolder();
  hub = new FakeHub();
  await hub.start();
  process.env['HF_HOME'] = home;
  process.env['HF_ENDPOINT'] = hub.endpoint;
  hub.add('model_index.json', {
    _class_name: 'StableDiffusionPipeline',
    safety_checker: [null, null],
    scheduler: ['diffusers', 'DDIMScheduler'],
    tokenizer: ['transformers', 'CLIPTokenizer'],
    unet: ['diffusers', 'UNet2DConditionModel'],
    vae: ['diffusers', 'AutoencoderKL'],
  });
  hub.add('README.md', '# Tiny');
  hub.add('v1-5-pruned.safetensors', 'x', true);
  hub.add('scheduler/scheduler_config.json', { _class_name: 'DDIMScheduler' });
  hub.add('tokenizer/vocab.json', {});
  hub.add('tokenizer/merges.txt', '#version: 0.2');
  hub.add('unet/config.json', { _class_name: 'UNet2DConditionModel' });
  hub.add('unet/diffusion_pytorch_model.safetensors', UNET, true);
  hub.add('unet/diffusion_pytorch_model.fp16.safetensors', Buffer.alloc(1000, 'half'), true);
  hub.add('unet/diffusion_pytorch_model.bin', 'pickle', true);
  hub.add('vae/config.json', { _class_name: 'AutoencoderKL' });
  hub.add('vae/diffusion_pytorch_model-00001-of-00002.safetensors', Buffer.alloc(500, '1'), true);
  hub.add('vae/diffusion_pytorch_model-00002-of-00002.safetensors', Buffer.alloc(600, '2'), true);
  hub.add('vae/diffusion_pytorch_model.safetensors.index.json', {
    weight_map: {
      a: 'diffusion_pytorch_model-00001-of-00002.safetensors',
      b: 'diffusion_pytorch_model-00002-of-00002.safetensors',
    },
  });
  hub.add('vae/model.onnx', 'onnx', true);
});

afterEach(async () => {
  for (const name of VARIABLES) {
    if (saved[name] === undefined) delete process.env[name];
    else process.env[name] = saved[name];
  }
  await hub.stop();
});

const modelFolder = (): string => join(home, 'hub', 'models--owner--tiny');
const snapshot = (...path: readonly string[]): string => join(modelFolder(), 'snapshots', hub.commit, ...path);
const blob = (path: string): string => join(modelFolder(), 'blobs', hub.etag(path));
const UNET_PATH = 'unet/diffusion_pytorch_model.safetensors';

async function thrownBy(work: Promise<unknown>): Promise<Error & { readonly code: string }> {
  return work.then(
    () => Promise.reject(new Error('nothing was thrown')),
    (error: unknown) => error as Error & { readonly code: string },
  );
}

describe('a folder', () => {
  test('that exists is taken as it is, without a request', async () => {
    const folder = await newFolder();
    expect(await resolveModel(folder)).toEqual({ folder, source: 'folder' });
    expect(hub.requests).toEqual([]);
  });

  test.each(['./no/such', '/no/such/folder', 'just-a-name', 'a/b/c', 'owner/na..me', '-x/y'])(
    '%j that does not exist says what it could have been',
    async (model) => {
      const error = await thrownBy(resolveModel(model));
      expect(error.code).toBe('ERR_MODEL_NOT_FOUND');
      expect(error.message).toMatch(/there is no folder ".*", and it is not the id of a model/);
      expect(hub.requests).toEqual([]);
    },
  );

  test('an empty text is not the current folder', async () => {
    await expect(resolveModel('')).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
  });

  test('of a file is where it lies', async () => {
    const folder = await newFolder();
    const file = join(folder, 'model.safetensors');
    await writeFile(file, '');
    expect(await resolveModel(file)).toEqual({ folder, file, source: 'folder' });
    expect(hub.requests).toEqual([]);
  });
});

describe('a file on the hub', () => {
  const FILE = 'v1-5-pruned.safetensors';

  test.each([
    ['by its repository and path', () => `owner/tiny:${FILE}`],
    ['at a revision', () => `owner/tiny@${hub.commit}:${FILE}`],
    ['by the address that a browser shows', () => `${hub.endpoint}/owner/tiny/blob/main/${FILE}`],
    [
      "by a download's address at the hub itself",
      () => `https://huggingface.co/owner/tiny/resolve/main/${FILE}?download=true`,
    ],
    ['without a scheme', () => `hf.co/owner/tiny/blob/main/${FILE}`],
  ])('%s is fetched alone, once', async (_how, model) => {
    const found = { folder: snapshot(), file: snapshot(FILE), commit: hub.commit };
    expect(await resolveModel(model())).toEqual({ ...found, source: 'download' });
    expect(hub.fetched).toEqual([FILE]);
    hub.requests.length = 0;
    expect(await resolveModel(model())).toEqual({ ...found, source: 'cache' });
    expect(hub.requests).toEqual([]);
  });

  test('that is not there is named', async () => {
    const error = await thrownBy(resolveModel('owner/tiny:other.safetensors'));
    expect(error).toMatchObject({
      code: 'ERR_MODEL_FOLDER_INVALID',
      message: expect.stringContaining('other.safetensors'),
    });
    expect(hub.fetched).toEqual([]);
  });

  test('of GGUF is fetched as any, and told of where a repository has nothing else', async () => {
    hub.files.clear();
    hub.add('unet-Q4_0.gguf', 'x', true);
    expect(await thrownBy(resolveModel('owner/tiny'))).toMatchObject({
      code: 'ERR_MODEL_FOLDER_INVALID',
      message: expect.stringContaining('"owner/tiny:unet-Q4_0.gguf"'),
    });
    expect(await resolveModel('owner/tiny:unet-Q4_0.gguf')).toMatchObject({ file: snapshot('unet-Q4_0.gguf') });
  });

  test('may have its configs from a repository: no weights come with them', async () => {
    await resolveModel('owner/tiny', { configsOnly: true });
    expect(hub.fetched.filter((path) => path.endsWith('.safetensors'))).toEqual([]);
    expect(hub.fetched).toContain('unet/config.json');
  });
});

describe('a download', () => {
  test("fetches what is needed, in the layout of Python's cache", async () => {
    const events: DownloadEvent[] = [];
    const found = await resolveModel('owner/tiny', { onProgress: (event) => events.push(event) });
    expect(found).toEqual({ folder: snapshot(), source: 'download', commit: hub.commit });
    const wanted = [...hub.files.keys()].filter((path) => !/README|pruned|fp16|\.bin|\.onnx/.test(path)).toSorted();
    expect([...hub.fetched].toSorted()).toEqual(wanted);
    expect(await readFile(snapshot(UNET_PATH))).toEqual(UNET);
    expect(await readlink(snapshot(UNET_PATH))).toBe(join('..', '..', '..', 'blobs', hub.etag(UNET_PATH)));
    expect(await readFile(join(modelFolder(), 'refs', 'main'), 'utf8')).toBe(hub.commit);
    const total = wanted.reduce((sum, path) => sum + hub.files.get(path)!.length, 0);
    expect(events.at(-1)).toMatchObject({ type: 'download', loaded: total, total });
    expect(events.every((event, i) => i === 0 || event.loaded >= events[i - 1]!.loaded)).toBe(true);
    expect((await readdir(join(modelFolder(), 'blobs'))).filter((name) => name.includes('incomplete'))).toEqual([]);
  });

  test('is not repeated: the cache answers without a request', async () => {
    await resolveModel('owner/tiny');
    hub.requests.length = 0;
    expect(await resolveModel('owner/tiny')).toEqual({ folder: snapshot(), source: 'cache', commit: hub.commit });
    expect(await resolveModel(`owner/tiny@${hub.commit}`)).toMatchObject({ source: 'cache' });
    expect(hub.requests).toEqual([]);
  });

  test('takes the asked variant where there is one, and plain weights elsewhere', async () => {
    await resolveModel('owner/tiny', { variant: 'fp16' });
    expect(hub.fetched).toContain('unet/diffusion_pytorch_model.fp16.safetensors');
    expect(hub.fetched).not.toContain(UNET_PATH);
    expect(hub.fetched).toContain('vae/diffusion_pytorch_model-00001-of-00002.safetensors');
  });

  test('takes only the wanted components, by name or by a choice from the index', async () => {
    await resolveModel('owner/tiny', { components: ['scheduler'] });
    expect([...hub.fetched].toSorted()).toEqual(['model_index.json', 'scheduler/scheduler_config.json']);
    await resolveModel('owner/tiny', {
      components: (index) => Object.keys(index.components).filter((name) => name === 'tokenizer'),
    });
    expect(hub.fetched.slice(2).toSorted()).toEqual(['tokenizer/merges.txt', 'tokenizer/vocab.json']);
    const error = await thrownBy(resolveModel('owner/tiny', { components: ['unett'] }));
    expect(error).toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      message: expect.stringContaining('scheduler, tokenizer, unet, vae'),
    });
  });

  test('of a single model takes its root', async () => {
    hub.files.clear();
    hub.lfs.clear();
    for (const [path, content] of [
      ['config.json', { _class_name: 'AutoencoderKL' }],
      ['.gitattributes', 'x'],
      ['README.md', 'x'],
    ] as const)
      hub.add(path, content);
    hub.add('diffusion_pytorch_model.safetensors', 'weights', true);
    await resolveModel('owner/tiny');
    expect([...hub.fetched].toSorted()).toEqual(['config.json', 'diffusion_pytorch_model.safetensors']);
  });

  test('fetches what the cache lacks, and nothing twice', async () => {
    await resolveModel('owner/tiny');
    await rm(blob('vae/diffusion_pytorch_model-00002-of-00002.safetensors'));
    hub.requests.length = 0;
    expect(await resolveModel('owner/tiny')).toMatchObject({ source: 'download' });
    expect(hub.fetched).toEqual(['vae/diffusion_pytorch_model-00002-of-00002.safetensors']);
  });

  test('a repository without safetensors, or without an index, is refused before its weights are fetched', async () => {
    hub.files.delete(UNET_PATH);
    hub.files.delete('unet/diffusion_pytorch_model.fp16.safetensors');
    expect(await thrownBy(resolveModel('owner/tiny'))).toMatchObject({
      code: 'ERR_WEIGHTS_NOT_FOUND',
      message: expect.stringContaining('convert it to safetensors'),
    });
    hub.files.delete('model_index.json');
    expect(await thrownBy(resolveModel('owner/tiny'))).toMatchObject({ code: 'ERR_MODEL_FOLDER_INVALID' });
    expect(hub.storageRequests).toEqual([]);
  });

  test('a path that leads out of the cache is not followed', async () => {
    hub.add('vae/..', 'evil 1');
    hub.add('../../evil.json', 'evil 2');
    hub.add(String.raw`vae/..\evil.json`, 'evil 3');
    await resolveModel('owner/tiny');
    expect(hub.fetched.filter((path) => path.includes('..') || path.includes('evil'))).toEqual([]);
    expect((await readdir(snapshot('vae'))).filter((name) => name.includes('evil'))).toEqual([]);
  });

  test('two calls at once download once', async () => {
    await Promise.all([resolveModel('owner/tiny'), resolveModel('owner/tiny')]);
    expect(hub.fetched.filter((path) => path === UNET_PATH)).toHaveLength(1);
  });

  test('takes over from a process that died', async () => {
    await mkdir(join(modelFolder(), 'blobs'), { recursive: true });
    const lock = `${blob(UNET_PATH)}.incomplete.lock`;
    await writeFile(lock, '1 another-host');
    await utimes(lock, new Date(0), new Date(0));
    expect(await resolveModel('owner/tiny')).toMatchObject({ source: 'download' });
    expect(existsSync(lock)).toBe(false);
  });
});

describe('a download that is interrupted', () => {
  test('by its signal rejects with the reason, keeps what it has, and is continued by the next call', async () => {
    const abort = new AbortController();
    const reason = new Error('the user left');
    hub.bytesBeforeBreak = 100_000;
    hub.breaksLeft = 1;
    const onProgress = (event: DownloadEvent): void => {
      if (event.file === UNET_PATH) abort.abort(reason);
    };
    await expect(resolveModel('owner/tiny', { signal: abort.signal, onProgress })).rejects.toBe(reason);
    const { size } = await stat(`${blob(UNET_PATH)}.incomplete`);
    expect(size).toBeGreaterThan(0);
    expect(size).toBeLessThan(UNET.length);
    hub.breaksLeft = 0;
    hub.storageRequests.length = 0;
    await resolveModel('owner/tiny');
    expect(hub.storageRequests.find(({ path }) => path.endsWith(UNET_PATH))?.range).toBe(`bytes=${size}-`);
    expect(await readFile(snapshot(UNET_PATH))).toEqual(UNET);
  });

  test('before it begins makes no request', async () => {
    await expect(resolveModel('owner/tiny', { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    expect(hub.requests).toEqual([]);
  });

  test('by a broken connection is continued by itself', async () => {
    hub.bytesBeforeBreak = 120_000;
    hub.breaksLeft = 2;
    await resolveModel('owner/tiny');
    expect(hub.storageRequests.filter(({ path }) => path.endsWith(UNET_PATH)).map(({ range }) => range)).toEqual([
      undefined,
      'bytes=120000-',
      'bytes=240000-',
    ]);
    expect(await readFile(snapshot(UNET_PATH))).toEqual(UNET);
  });

  test('starts over where the server does not know ranges', async () => {
    await mkdir(join(modelFolder(), 'blobs'), { recursive: true });
    await writeFile(`${blob(UNET_PATH)}.incomplete`, 'wrong start');
    hub.ignoresRanges = true;
    await resolveModel('owner/tiny');
    expect(await readFile(snapshot(UNET_PATH))).toEqual(UNET);
  });

  test('and continued with other bytes is found by its hash, and removed', async () => {
    await mkdir(join(modelFolder(), 'blobs'), { recursive: true });
    await writeFile(`${blob(UNET_PATH)}.incomplete`, 'wrong start');
    await expect(resolveModel('owner/tiny')).rejects.toMatchObject({
      code: 'ERR_DOWNLOAD_CORRUPT',
      details: { file: UNET_PATH },
    });
    expect(existsSync(`${blob(UNET_PATH)}.incomplete`)).toBe(false);
    expect(existsSync(blob(UNET_PATH))).toBe(false);
    await expect(resolveModel('owner/tiny')).resolves.toMatchObject({ source: 'download' });
  });

  test('gives up where the connection breaks again and again', async () => {
    hub.bytesBeforeBreak = 1;
    hub.breaksLeft = 1000;
    await expect(resolveModel('owner/tiny', { components: ['unet'] })).rejects.toMatchObject({
      code: 'ERR_HUB_REQUEST',
      message: expect.stringContaining('broke again and again'),
    });
  });
});

describe('the token', () => {
  test('goes to the endpoint and nowhere else', async () => {
    process.env['HF_TOKEN'] = ` ${TOKEN}\n`;
    await resolveModel('owner/tiny');
    expect(new Set(hub.requests.map(({ authorization }) => authorization))).toEqual(new Set([`Bearer ${TOKEN}`]));
    expect(hub.storageRequests.length).toBeGreaterThan(0);
    expect(new Set(hub.storageRequests.map(({ authorization }) => authorization))).toEqual(new Set([undefined]));
  });

  test('is read from the file that the login writes, and not used where that is switched off', async () => {
    await writeFile(join(home, 'token'), `${TOKEN}\n`);
    await resolveModel('owner/tiny', { components: ['scheduler'] });
    expect(hub.requests[0]!.authorization).toBe(`Bearer ${TOKEN}`);
    process.env['HF_HUB_DISABLE_IMPLICIT_TOKEN'] = '1';
    hub.requests.length = 0;
    await resolveModel('owner/tiny', { components: ['tokenizer'] });
    expect(hub.requests[0]!.authorization).toBeUndefined();
  });

  test('is in no error and no event, even where the server repeats it', async () => {
    process.env['HF_TOKEN'] = TOKEN;
    const events: DownloadEvent[] = [];
    const onProgress = (event: DownloadEvent): void => void events.push(event);
    const shown: string[] = [];
    for (const status of [401, 403, 404, 429, 500]) {
      hub.intercept = (request, response) => {
        response
          .writeHead(status, { 'x-error-message': `no: ${request.headers.authorization}` })
          .end(request.headers.authorization);
        return true;
      };
      shown.push(inspect(await thrownBy(resolveModel('owner/tiny', { onProgress })), { depth: 9, showHidden: true }));
    }
    hub.intercept = (request) => {
      request.socket.destroy();
      return true;
    };
    shown.push(inspect(await thrownBy(resolveModel('owner/tiny', { onProgress })), { depth: 9, showHidden: true }));
    process.env['HF_TOKEN'] = `${TOKEN}\u0007\u00e9`;
    shown.push(inspect(await thrownBy(resolveModel('owner/tiny', { onProgress })), { depth: 9, showHidden: true }));
    expect(shown.join('\n')).toContain('HTTP 500 (no: Bearer ***)');
    expect(shown.at(-1)).toContain('ERR_HUB_SETTING_INVALID');
    expect(shown.filter((text) => text.includes(TOKEN))).toEqual([]);
    expect(JSON.stringify(events)).not.toContain(TOKEN);
  });
});

describe('the hub', () => {
  test.each([
    [401, undefined, 'ERR_HUB_ACCESS', 'set HF_TOKEN'],
    [403, 'GatedRepo', 'ERR_HUB_ACCESS', 'accept the conditions'],
    [401, 'RepoNotFound', 'ERR_MODEL_NOT_FOUND', 'that can be seen without a token'],
    [404, undefined, 'ERR_MODEL_NOT_FOUND', 'there is no folder'],
    [404, 'RevisionNotFound', 'ERR_MODEL_NOT_FOUND', 'has no revision "main" of owner/tiny'],
    [500, undefined, 'ERR_HUB_REQUEST', 'HTTP 500'],
    [429, undefined, 'ERR_HUB_REQUEST', 'HTTP 429'],
  ])('that answers %i %s is %s', async (status, header, code, text) => {
    hub.intercept = (_, response) => {
      response.writeHead(status, header === undefined ? {} : { 'x-error-code': header }).end('<html>');
      return true;
    };
    const error = await thrownBy(resolveModel('owner/tiny'));
    expect(error.code).toBe(code);
    expect(error.message).toContain(text);
    expect(error.message).toContain('owner/tiny');
  });

  test('that fails in the middle, or answers nonsense, is a typed error', async () => {
    hub.intercept = (request, response) => {
      if (!request.url!.includes('/resolve/')) return false;
      response.writeHead(500).end();
      return true;
    };
    await expect(resolveModel('owner/tiny')).rejects.toMatchObject({
      code: 'ERR_HUB_REQUEST',
      details: { what: '"model_index.json"', status: 500 },
    });
    hub.intercept = (_, response) => {
      response.end('not json');
      return true;
    };
    await expect(resolveModel('owner/tiny')).rejects.toMatchObject({ code: 'ERR_HUB_REQUEST' });
    hub.intercept = (_, response) => {
      response.end('{"id": "owner/tiny", "sha": "../../x"}');
      return true;
    };
    await expect(resolveModel('owner/tiny')).rejects.toMatchObject({
      message: expect.stringContaining('names no commit'),
    });
  });

  test('that cannot be reached is a typed error, unless the cache will do', async () => {
    await resolveModel('owner/tiny');
    const { endpoint } = hub;
    await hub.stop();
    expect(await resolveModel('owner/tiny', { variant: 'fp16' })).toMatchObject({ source: 'cache' });
    await rm(blob(UNET_PATH));
    const error = await thrownBy(resolveModel('owner/tiny'));
    expect(error).toMatchObject({
      code: 'ERR_HUB_REQUEST',
      message: expect.stringContaining('the connection failed (ECONNREFUSED)'),
    });
    expect(error.message).toContain(endpoint);
    await hub.start();
  });

  test('is not asked when offline', async () => {
    process.env['HF_HUB_OFFLINE'] = '1';
    const error = await thrownBy(resolveModel('owner/tiny'));
    expect(error).toMatchObject({
      code: 'ERR_HUB_OFFLINE',
      message: expect.stringContaining('missing: revision main'),
    });
    delete process.env['HF_HUB_OFFLINE'];
    expect(hub.requests).toEqual([]);
    await resolveModel('owner/tiny');
    hub.requests.length = 0;
    expect(await resolveModel('owner/tiny', { localFilesOnly: true, variant: 'fp16' })).toMatchObject({
      source: 'cache',
    });
    await rm(blob('vae/diffusion_pytorch_model-00002-of-00002.safetensors'));
    await expect(resolveModel('owner/tiny', { localFilesOnly: true })).rejects.toMatchObject({
      code: 'ERR_HUB_OFFLINE',
      details: { missing: ['vae/diffusion_pytorch_model-00002-of-00002.safetensors'] },
    });
    expect(hub.requests).toEqual([]);
  });

  test('has revisions, which must not contradict each other or leave the cache', async () => {
    await expect(resolveModel('owner/tiny@v2')).rejects.toMatchObject({
      code: 'ERR_MODEL_NOT_FOUND',
      message: expect.stringContaining('no revision "v2"'),
    });
    for (const [model, revision] of [
      ['owner/tiny@v1', 'v2'],
      ['owner/tiny', '../../x'],
      ['owner/tiny@../x', undefined],
    ] as const) {
      await expect(resolveModel(model, { revision })).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
    }
  });

  test.each(['not a url', 'ftp://x', 'http://user:secretpass@127.0.0.1:1'])(
    'with the endpoint %j is refused',
    async (endpoint) => {
      process.env['HF_ENDPOINT'] = endpoint;
      const error = await thrownBy(resolveModel('owner/tiny'));
      expect(error.code).toBe('ERR_HUB_SETTING_INVALID');
      expect(error.message).not.toContain('secretpass');
    },
  );
});

describe('the disk', () => {
  test('without room is found before the weights are fetched', async () => {
    hub.announced.set(UNET_PATH, 2 ** 52);
    const error = await thrownBy(resolveModel('owner/tiny'));
    expect(error.code).toBe('ERR_DISK_FULL');
    expect(error.message).toMatch(/\d{16} bytes are needed, \d+ are free/);
    expect(hub.storageRequests).toEqual([]);
  });

  test('that may not be written is a typed error', async () => {
    const file = join(home, 'file');
    await writeFile(file, '');
    await expect(resolveModel('owner/tiny', { cacheDir: join(file, 'hub') })).rejects.toMatchObject({
      code: 'ERR_FILE_ACCESS',
      details: { operation: 'write' },
    });
  });

  test("has its cache where Python's is", async () => {
    process.env['HF_HUB_CACHE'] = join(home, 'elsewhere');
    expect((await resolveModel('owner/tiny', { components: ['scheduler'] })).folder).toBe(
      join(home, 'elsewhere', 'models--owner--tiny', 'snapshots', hub.commit),
    );
    expect(
      (await resolveModel('owner/tiny', { components: ['scheduler'], cacheDir: join(home, 'mine') })).folder,
    ).toContain(join(home, 'mine'));
  });
});
