import { createServer, type Server } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readHubSettings } from '../../src/weights/hub/HubSettings.js';
import { readProxySettings } from '../../src/weights/hub/proxiedFetch.js';
import { resolveModel } from '../../src/weights/resolveModel.js';
import { FakeHub } from './FakeHub.js';
import { useTemporaryFolders } from './temporaryFolder.js';

const newFolder = useTemporaryFolders();
const BASE = { BASE: '/base', HOME: homedir() };

/** Python's huggingface_hub 2.4.0 gives these (constants.py). */
test.each<[Readonly<Record<string, string>>, string]>([
  [{ HF_HOME: '$BASE/hf' }, '/base/hf/hub'],
  [{ HF_HOME: '${BASE}/hf' }, '/base/hf/hub'],
  [{ HF_HOME: '~/hf' }, join(homedir(), 'hf/hub')],
  [{ HF_HOME: '$NOT_SET/hf' }, '$NOT_SET/hf/hub'],
  [{ HF_HOME: '/a$' }, '/a$/hub'],
  [{ HF_HUB_CACHE: '${BASE}/c', HF_HOME: '/x' }, '/base/c'],
  [{ HUGGINGFACE_HUB_CACHE: '$BASE/old' }, '/base/old'],
  [{ HUGGINGFACE_HUB_CACHE: '/old', HF_HUB_CACHE: '/new' }, '/new'],
  [{ XDG_CACHE_HOME: '$BASE/x' }, '/base/x/huggingface/hub'],
  [{}, join(homedir(), '.cache/huggingface/hub')],
])('with %j the cache is %s', (environment, cacheDir) => {
  expect(readHubSettings({ ...BASE, ...environment }).cacheDir).toBe(cacheDir);
});

test.each<[Readonly<Record<string, string>>, boolean]>([
  [{ TRANSFORMERS_OFFLINE: '1' }, true],
  [{ TRANSFORMERS_OFFLINE: 'yes' }, true],
  [{ HF_HUB_OFFLINE: 'ON' }, true],
  [{ HF_HUB_OFFLINE: '0', TRANSFORMERS_OFFLINE: '1' }, false],
  [{ HF_HUB_OFFLINE: '', TRANSFORMERS_OFFLINE: '1' }, true],
  [{ TRANSFORMERS_OFFLINE: '2' }, false],
])('with %j offline is %s', (environment, offline) => {
  expect(readHubSettings(environment).offline).toBe(offline);
});

test('times are whole seconds, 10 where nothing is said', () => {
  expect(readHubSettings({})).toMatchObject({ etagTimeoutMs: 10_000, downloadTimeoutMs: 10_000 });
  expect(readHubSettings({ HF_HUB_ETAG_TIMEOUT: '3', HF_HUB_DOWNLOAD_TIMEOUT: '60' })).toMatchObject({
    etagTimeoutMs: 3000,
    downloadTimeoutMs: 60_000,
  });
  expect(() => readHubSettings({ HF_HUB_ETAG_TIMEOUT: 'soon' })).toThrow(
    expect.objectContaining({
      code: 'ERR_HUB_SETTING_INVALID',
      message: expect.stringContaining('HF_HUB_ETAG_TIMEOUT'),
    }),
  );
});

test.each<[Readonly<Record<string, string>>, object]>([
  [{}, { noProxy: '' }],
  [{ HTTPS_PROXY: 'http://a:1' }, { 'https:': 'http://a:1', noProxy: '' }],
  [
    { HTTPS_PROXY: 'http://a:1', https_proxy: 'http://b:1' },
    { 'https:': 'http://b:1', noProxy: '' },
  ],
  [{ https_proxy: 'b:3128' }, { 'https:': 'http://b:3128', noProxy: '' }],
  [
    { ALL_PROXY: 'http://a:1', HTTP_PROXY: 'http://b:1' },
    { 'https:': 'http://a:1', 'http:': 'http://b:1', noProxy: '' },
  ],
  [{ HTTP_PROXY: 'http://a:1', REQUEST_METHOD: 'GET' }, { noProxy: '' }],
  [{ NO_PROXY: 'x.org, .y.org localhost,,::1' }, { noProxy: 'x.org,.y.org,localhost,[::1]' }],
  [{ NO_PROXY: 'x.org,*' }, { noProxy: '*' }],
])('with %j the proxies are %j', (environment, expected) => {
  expect(readProxySettings(environment)).toEqual(expected);
});

test('a proxy that speaks no HTTP is refused, without its password', () => {
  expect(() => readProxySettings({ ALL_PROXY: 'socks5://me:secret@a:1' })).toThrow(
    expect.objectContaining({ code: 'ERR_HUB_SETTING_INVALID', message: expect.not.stringContaining('secret') }),
  );
});

describe('a download', () => {
  const NAMES = [
    'HF_HOME',
    'HF_ENDPOINT',
    'HF_TOKEN',
    'HF_HUB_ETAG_TIMEOUT',
    'HF_HUB_DOWNLOAD_TIMEOUT',
    'HF_HUB_OFFLINE',
  ];
  const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  let saved: NodeJS.ProcessEnv;
  let hub: FakeHub;

  beforeEach(async () => {
    saved = { ...process.env };
    for (const name of [...NAMES, ...PROXIES]) delete process.env[name];
    hub = new FakeHub();
    await hub.start();
    process.env['HF_HOME'] = await newFolder();
    process.env['HF_ENDPOINT'] = hub.endpoint;
    hub.add('config.json', { _class_name: 'AutoencoderKL' });
    hub.add('diffusion_pytorch_model.safetensors', Buffer.alloc(5000, 'x'), true);
  });
  afterEach(async () => {
    for (const name of [...NAMES, ...PROXIES]) {
      if (saved[name] === undefined) delete process.env[name];
      else process.env[name] = saved[name];
    }
    await hub.stop();
  });

  test('from a hub that says nothing ends in time, and takes what the cache has', async () => {
    await resolveModel('owner/tiny');
    process.env['HF_HUB_ETAG_TIMEOUT'] = '1';
    hub.intercept = () => true;
    expect(await resolveModel('owner/tiny', { variant: 'fp16' })).toMatchObject({ source: 'cache' });
    await expect(resolveModel('owner/other')).rejects.toMatchObject({
      code: 'ERR_HUB_REQUEST',
      message: expect.stringContaining('no answer in 1 s'),
    });
  });

  test('whose description never ends is given up, too', async () => {
    process.env['HF_HUB_ETAG_TIMEOUT'] = '1';
    hub.intercept = (_, response) => response.write('{');
    await expect(resolveModel('owner/tiny')).rejects.toMatchObject({ code: 'ERR_HUB_REQUEST' });
  });

  test('whose file falls silent is taken up again where it stopped', async () => {
    process.env['HF_HUB_DOWNLOAD_TIMEOUT'] = '1';
    let silent = 1;
    hub.intercept = ({ url }, response) => {
      if (silent === 0 || !url!.endsWith('.safetensors')) return false;
      silent--;
      response.writeHead(200, { 'content-length': 5000 });
      return response.write(Buffer.alloc(1000, 'x'));
    };
    expect(await resolveModel('owner/tiny')).toMatchObject({ source: 'download' });
    expect(hub.storageRequests.map(({ range }) => range)).toEqual(['bytes=1000-']);
  });

  test.each([401, 404])('that the hub answers with %i takes what the cache has', async (status) => {
    await resolveModel('owner/tiny');
    hub.intercept = (_, response) => {
      response.writeHead(status).end();
      return true;
    };
    expect(await resolveModel('owner/tiny', { variant: 'fp16' })).toMatchObject({ source: 'cache' });
  });

  describe('behind a proxy', () => {
    let proxy: Server;
    let asked: string[];
    beforeEach(async () => {
      asked = [];
      proxy = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', (data) => {
          asked.push(String(data).split('\r\n')[0]!);
          socket.end('HTTP/1.1 503 no\r\ncontent-length: 0\r\n\r\n');
        });
      });
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      const { port } = proxy.address() as { port: number };
      process.env['HTTPS_PROXY'] = process.env['http_proxy'] = `127.0.0.1:${port}`;
    });
    afterEach(() => new Promise((resolve) => proxy.close(resolve)));

    test('asks it, and says what it answered', async () => {
      process.env['HF_ENDPOINT'] = 'https://hub.invalid';
      await expect(resolveModel('owner/tiny')).rejects.toMatchObject({
        code: 'ERR_HUB_REQUEST',
        message: expect.stringContaining('the proxy answered HTTP 503'),
      });
      expect(asked).toEqual(['CONNECT hub.invalid:443 HTTP/1.1']);
      process.env['HF_ENDPOINT'] = hub.endpoint;
      await expect(resolveModel('owner/tiny')).rejects.toMatchObject({ code: 'ERR_HUB_REQUEST' });
      expect(asked[1]).toMatch(/^GET http:\/\/127\.0\.0\.1:\d+\/api\/models\/owner\/tiny/);
    });

    test('does not ask it about hosts of NO_PROXY', async () => {
      process.env['NO_PROXY'] = 'example.org,127.0.0.1';
      expect(await resolveModel('owner/tiny')).toMatchObject({ source: 'download' });
      expect(asked).toEqual([]);
    });
  });
});
