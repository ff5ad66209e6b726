import { createServer as createHttpServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { ThimbleServer } from '../src/index.js';
import { fetchPicture } from '../src/pictures/fetchPicture.js';
import { isPublicAddress } from '../src/pictures/publicAddress.js';
import { ask } from './support/ask.js';
import { SHORT, tinyServer } from './support/tinyServer.js';

const TOKEN = 'open sesame please';
const JSON_TYPE = { 'content-type': 'application/json' };
const basic = (credentials: string): string => `Basic ${Buffer.from(credentials).toString('base64')}`;

describe('a server without a token', () => {
  let server: ThimbleServer;
  let url: string;
  beforeAll(async () => {
    server = await tinyServer({ bodyLimit: 10_000, allowedOrigins: ['https://friend.example'] });
    url = await server.listen();
  });
  afterAll(async () => server.close());
  const status = async (headers: Record<string, string>): Promise<number> =>
    (await ask(url, { path: '/v1/models', headers: { host: '127.0.0.1:8080', ...headers } })).status;

  test.each(['0.0.0.0', '::', '192.168.1.2', 'example.org'])('does not listen on %s', async (host) => {
    await expect(tinyServer({ host })).rejects.toMatchObject({ code: 'ERR_SERVER_EXPOSED' });
  });

  test('is called by the names of this machine alone', async () => {
    for (const host of ['localhost', 'localhost:1', '127.0.0.1:8080', '[::1]:8080', 'LOCALHOST.'])
      expect(await status({ host })).toBe(200);
    for (const host of [
      'evil.example',
      'evil.example:8080',
      '127.0.0.1.evil.example',
      'localhost@evil.example',
      '10.0.0.1',
      'a b',
    ])
      expect(await status({ host })).toBe(403);
  });

  test('is not for pages of others, but for those that are named', async () => {
    for (const origin of ['http://127.0.0.1:8080', 'https://friend.example'])
      expect(await status({ origin })).toBe(200);
    for (const origin of ['https://evil.example', 'null', 'http://127.0.0.1:9000', 'x'])
      expect(await status({ origin })).toBe(403);
    const preflight = await ask(url, {
      method: 'OPTIONS',
      path: '/jobs',
      headers: { host: 'localhost', origin: 'https://friend.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.headers['access-control-allow-origin']).toBe('https://friend.example');
  });

  test('says what pages may load, and allows nothing inline', async () => {
    const { headers } = await ask(url, { path: '/health' });
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'self'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain('unsafe');
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  test('refuses bodies that are too large, no JSON, or of another kind', async () => {
    const post = async (payload: string, type = 'application/json'): Promise<unknown[]> => {
      const answer = await ask(url, {
        method: 'POST',
        path: '/jobs',
        body: payload,
        headers: { 'content-type': type },
      });
      return [answer.status, (answer.json()['error'] as { type: string }).type];
    };
    const wrong = 'invalid_request_error';
    expect(await post(JSON.stringify({ prompt: 'a'.repeat(20_000) }))).toEqual([413, wrong]);
    expect(await post('{"prompt":')).toEqual([400, wrong]);
    expect(await post('{"__proto__":{"a":1},"prompt":"a"}')).toEqual([400, wrong]);
    expect(await post('prompt=a', 'application/x-www-form-urlencoded')).toEqual([415, wrong]);
    expect(await post('[]')).toEqual([400, wrong]);
  });
});

describe('a server with a token', () => {
  let server: ThimbleServer;
  let url: string;
  beforeAll(async () => {
    server = await tinyServer({ token: TOKEN });
    url = await server.listen();
  });
  afterAll(async () => server.close());
  const status = async (headers: Record<string, string>, path = '/v1/models'): Promise<number> =>
    (await fetch(url + path, { headers })).status;

  test('takes it as Bearer, as the password of Basic, and no other', async () => {
    expect(await status({})).toBe(401);
    expect((await fetch(`${url}/v1/models`)).headers.get('www-authenticate')).toContain('Bearer');
    for (const authorization of [`Bearer ${TOKEN}`, `bearer ${TOKEN}`, basic(`me:${TOKEN}`), basic(TOKEN)])
      expect(await status({ authorization })).toBe(200);
    for (const authorization of [
      'Bearer',
      'Bearer x',
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      basic('me:'),
      basic(`${TOKEN}:me`),
      'Basic !!',
      `Digest ${TOKEN}`,
    ])
      expect(await status({ authorization })).toBe(401);
    for (const path of ['/jobs/00000000-0000-0000-0000-000000000000', '/metrics', '/sdapi/v1/options'])
      expect(await status({}, path)).toBe(401);
    for (const path of ['/health', '/ready']) expect(await status({}, path)).toBe(200);
  });

  test('gives a page a cookie for it, which shows nothing of it', async () => {
    const login = async (token: string): Promise<Response> =>
      fetch(`${url}/login`, { method: 'POST', headers: JSON_TYPE, body: JSON.stringify({ token }) });
    expect((await login('wrong')).status).toBe(401);
    const cookie = (await login(TOKEN)).headers.get('set-cookie') as string;
    expect(cookie).toMatch(/^thimble_access=[\w-]{43}; .*HttpOnly; SameSite=Strict$/);
    expect(await status({ cookie: cookie.split(';')[0] as string })).toBe(200);
    expect(await status({ cookie: 'thimble_access=x' })).toBe(401);
    // Of another page, though the browser sent it along.
    expect(await status({ cookie: cookie.split(';')[0] as string, origin: 'https://evil.example' })).toBe(403);
  });

  test('signs the addresses of pictures, for clients that follow them by themselves', async () => {
    const answer = await fetch(`${url}/v1/images/generations`, {
      method: 'POST',
      headers: { ...JSON_TYPE, authorization: `Bearer ${TOKEN}` },
      body: JSON.stringify({ prompt: 'a cat', response_format: 'url', ...SHORT }),
    });
    const { data } = (await answer.json()) as { data: [{ url: string }] };
    const address = new URL(data[0].url);
    expect((await fetch(address)).status).toBe(200);
    expect((await fetch(address.href.replace('.0.png', '.1.png'))).status).toBe(401);
    address.search = '';
    expect((await fetch(address)).status).toBe(401);
  });
});

test('more requests than are allowed are told when to come again', async () => {
  await using server = await tinyServer({ rateLimit: 2 });
  const url = await server.listen();
  const answers = [];
  for (let i = 0; i < 3; i++) answers.push(await ask(url, { path: '/health' }));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 429]);
  expect(answers[2]!.json()).toMatchObject({ error: { code: 'ERR_RATE_LIMIT', type: 'rate_limit_error' } });
  expect(Number(answers[2]!.headers['retry-after'])).toBeGreaterThan(0);
});

test('notes neither prompts nor tokens, and nothing that a terminal would act on', async () => {
  const log = new PassThrough();
  const written: string[] = [];
  log.on('data', (chunk: Buffer) => written.push(chunk.toString()));
  const write = jest.spyOn(process.stderr, 'write').mockImplementation((chunk) => log.write(chunk));
  try {
    await using server = await tinyServer({ logLevel: 'debug', token: TOKEN });
    const url = await server.listen();
    const headers = { authorization: `Bearer ${TOKEN}`, ...JSON_TYPE };
    const post = async (path: string, body: object): Promise<unknown> =>
      ask(url, { method: 'POST', path, headers, body: JSON.stringify(body) });
    await post('/v1/images/generations', { prompt: 'my secret\u001b[2J', ...SHORT });
    await post('/login', { token: TOKEN });
    await ask(url, { path: '/none\u009b?token=secret&x=%1b', headers }).catch(() => undefined);
  } finally {
    write.mockRestore();
  }
  const text = written.join('');
  expect(text).toContain('"path":"/v1/images/generations"');
  expect(text).not.toMatch(/secret|sesame|[^\n\x20-\x7e]/);
});

describe('pictures by their addresses', () => {
  let web: Server;
  let base: string;
  beforeAll(async () => {
    web = createHttpServer((request, response) => {
      if (request.url === '/loop') return response.writeHead(302, { location: '/loop' }).end();
      if (request.url === '/inside')
        return response.writeHead(302, { location: 'http://169.254.169.254/latest' }).end();
      if (request.url === '/file') return response.writeHead(302, { location: 'file:///etc/passwd' }).end();
      if (request.url === '/large') return response.end(Buffer.alloc(2000));
      if (request.url === '/none') return response.writeHead(404).end();
      return response.end('picture');
    }).listen(0, '127.0.0.1');
    await once(web, 'listening');
    base = `http://127.0.0.1:${(web.address() as AddressInfo).port}`;
  });
  afterAll(() => void web.close());

  test.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '224.0.0.1',
    '::1',
    '::',
    'fe80::1',
    'fc00::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    'localhost',
    '',
  ])('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false));

  test.each(['1.1.1.1', '2606:4700:4700::1111'])('%s is', (address) => expect(isPublicAddress(address)).toBe(true));

  test.each([
    ['http://127.0.0.1:1/', 'not a public address'],
    ['http://[::1]:1/', 'not a public address'],
    ['http://2130706433:1/', 'not a public address'],
    ['http://0x7f.1:1/', 'not a public address'],
    ['http://localhost:1/', 'not a public address'],
    ['ftp://example.org/', 'only http: and https:'],
    ['http://', 'only http: and https:'],
  ])('%s is refused', async (address, reason) => {
    await expect(fetchPicture(address, { maxBytes: 1000 })).rejects.toThrow(reason);
  });

  test('are read to a limit, and redirections are looked at again', async () => {
    const options = { maxBytes: 1000, isAllowed: (address: string) => address === '127.0.0.1' };
    expect(Buffer.from(await fetchPicture(`${base}/`, options)).toString()).toBe('picture');
    for (const [path, reason] of [
      ['/loop', 'too often'],
      ['/inside', 'not a public address'],
      ['/file', 'only http:'],
      ['/large', 'larger than 1000'],
      ['/none', '404'],
    ])
      await expect(fetchPicture(base + path, options)).rejects.toThrow(reason);
  });

  test('are only read where the server may', async () => {
    await using server = await tinyServer({ allowUrls: true });
    const { status, body } = await ask(await server.listen(), {
      method: 'POST',
      path: '/jobs',
      headers: JSON_TYPE,
      body: JSON.stringify({ prompt: 'a cat', image: `${base}/` }),
    });
    expect([status, body]).toEqual([400, expect.stringContaining('not a public address')]);
  });
});
