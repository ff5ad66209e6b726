import { readdir, readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { beforeAll, expect, test } from '@jest/globals';
import statics from '@fastify/static';
import { Image } from '@thimble/core';
import Fastify from 'fastify';
import sharp from 'sharp';
import { thimbleServer } from '../../src/index.js';
import { fileName } from '../../page/src/gallery/fileName.js';
import { fittingSize } from '../../page/src/form/fittingSize.js';
import { parseParameters } from '../../page/src/gallery/parseParameters.js';
import { readPngTexts } from '../../page/src/gallery/readPngTexts.js';
import { StepClock } from '../../page/src/jobs/StepClock.js';
import { duration, size } from '../../page/src/shell/quantities.js';
import { timelinePath } from '../../page/src/stage/timelinePath.js';
import { ask } from '../support/ask.js';
import { openTiny, SHORT, tinyServer } from '../support/tinyServer.js';
import { builtPage, PAGE } from './support/builtPage.js';

beforeAll(builtPage);

const PARAMETERS = `a cat, on
two lines
Negative prompt: a dog, "blue"
Steps: 20, Sampler: DDIMScheduler, CFG scale: 1.5, Seed: 7, Size: 64x48, Model: "a, b: c", Version: thimble 0.1.0`;

test('the scripts are small, and nothing is inline or elsewhere', async () => {
  const assets = await readdir(`${PAGE}/assets`);
  const scripts = assets.filter((name) => name.endsWith('.js'));
  const sizes = await Promise.all(
    scripts.map(async (name) => gzipSync(await readFile(`${PAGE}/assets/${name}`)).length),
  );
  expect(scripts.length).toBeGreaterThan(0);
  expect(sizes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(60_000);
  const html = await readFile(`${PAGE}/index.html`, 'utf8');
  expect(html).not.toMatch(/<style|<script(?![^>]* src="\.\/)| on\w+=|(src|href)="(?!\.\/)/);
});

test('the server gives the page to everybody, and what it shows to those who have the token', async () => {
  await using server = await tinyServer({ token: 'open sesame please' });
  const url = await server.listen();
  const page = await ask(url, { path: '/' });
  expect([page.status, page.headers['content-type'], page.headers['cache-control']]).toEqual([
    200,
    'text/html; charset=utf-8',
    'no-cache',
  ]);
  expect(page.headers['content-security-policy']).toContain("default-src 'self'");
  const [, script] = /src="\.(\/assets\/[^"]+)"/.exec(page.body)!;
  expect((await ask(url, { path: script! })).headers['cache-control']).toContain('immutable');
  expect((await ask(url, { path: '/server' })).status).toBe(401);
  const authorization = 'Bearer open sesame please';
  expect((await ask(url, { path: '/server', headers: { authorization } })).json()).toMatchObject({
    guarded: true,
    limits: { images: 10, steps: 150 },
    schedulers: expect.arrayContaining(['DPM++ 2M', 'Euler a']),
  });
});

test('the page is where the server is mounted, in an application that has files of its own', async () => {
  const app = Fastify();
  await app.register(statics, { root: PAGE, prefix: '/own/' });
  await app.register(thimbleServer, { prefix: '/pictures', models: { tiny: { open: async () => openTiny() } } });
  const url = await app.listen({ port: 0 });
  const page = await ask(url, { path: '/pictures/' });
  const [, script] = /src="\.(\/assets\/[^"]+)"/.exec(page.body)!;
  const paths = [`/pictures${script}`, '/pictures/server', '/pictures/none'];
  const answers = await Promise.all(paths.map(async (path) => ask(url, { path })));
  expect([page, ...answers].map(({ status }) => status)).toEqual([200, 200, 200, 404]);
  await app.close();
});

test('what a model takes is known once it was open, and after it was closed', async () => {
  await using server = await tinyServer({ keep: 1 });
  const url = await server.listen();
  const model = async (name: string): Promise<object> => (await ask(url, { path: `/v1/models/${name}` })).json();
  const run = async (name: string): Promise<void> => {
    const body = JSON.stringify({ prompt: 'a cat', model: name, ...SHORT });
    const headers = { 'content-type': 'application/json' };
    await ask(url, { method: 'POST', path: '/v1/images/generations', headers, body });
  };
  expect(await model('tiny')).not.toHaveProperty('defaults');
  await run('tiny');
  const known = await model('tiny');
  expect(known).toMatchObject({ open: true, defaults: { width: 64, guidanceScale: 7.5 } });
  await run('slow');
  expect(await model('tiny')).toEqual({ ...known, open: false });
});

test.each([
  ['ASCII', PARAMETERS],
  ['UTF-8', `ein Frühstück, 朝ごはん\n${PARAMETERS}`],
])('texts of a PNG are read: %s', async (_, parameters) => {
  const image = new Image({ width: 2, height: 2, channels: 3, data: new Uint8Array(12), metadata: { parameters } });
  const file = await image.toBuffer();
  expect(readPngTexts(file)).toEqual({ parameters });
  // Cut off anywhere, it says less, and never throws.
  for (let length = 0; length < file.length; length++)
    expect([{}, { parameters }]).toContainEqual(readPngTexts(file.subarray(0, length)));
});

test('what is no PNG has no texts', async () => {
  const jpeg = await sharp({ create: { width: 2, height: 2, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
  expect(readPngTexts(jpeg)).toEqual({});
});

test('prompts and settings are read as they were written', () => {
  const { prompt, negativePrompt, settings } = parseParameters(PARAMETERS);
  expect([prompt, negativePrompt]).toEqual(['a cat, on\ntwo lines', 'a dog, "blue"']);
  expect(Object.fromEntries(settings)).toEqual({
    Steps: '20',
    Sampler: 'DDIMScheduler',
    'CFG scale': '1.5',
    Seed: '7',
    Size: '64x48',
    Model: 'a, b: c',
    Version: 'thimble 0.1.0',
  });
  expect(parseParameters('only words')).toEqual({ prompt: 'only words', negativePrompt: '', settings: new Map() });
  expect(fileName(parseParameters(PARAMETERS))).toBe('a-cat-on-two-lines-7.png');
  expect(fileName(undefined)).toBe('picture.png');
});

test('the end is told by the steps that were seen, but the first', () => {
  const clock = new StepClock(0);
  clock.begin(0);
  expect(clock.end(10)).toBeUndefined();
  clock.step(1, 3000);
  expect(clock.end(10)).toBe(30_000);
  clock.step(2, 4000);
  expect(clock.end(10)).toBe(12_000);
  // One that comes late was told of three steps at once.
  const late = new StepClock(3);
  late.begin(90);
  for (const step of [1, 2, 3]) late.step(step, 100);
  late.step(4, 400);
  expect(late.end(10)).toBeUndefined();
  late.step(5, 900);
  expect(late.end(10)).toBe(3400);
});

test('a picture of another shape has as many pixels as the model was trained with', () => {
  const trained = { width: 512, height: 512 };
  expect(fittingSize({ width: 4000, height: 3000 }, trained, 8)).toEqual({ width: 592, height: 440 });
  expect(fittingSize({ width: 64, height: 64 }, trained, 8)).toEqual(trained);
  expect(fittingSize({ width: 2000, height: 1 }, trained, 8).height).toBeGreaterThanOrEqual(8);
});

test('a timeline is as wide as its box, whatever it has', () => {
  const box = { width: 100, height: 50, top: 200 };
  expect(
    timelinePath(
      [
        [1000, 100],
        [2000, 200],
        [3000, 0],
      ],
      box,
    ),
  ).toEqual({
    line: 'M0.0 25.0L50.0 0.0L100.0 50.0',
    area: 'M0.0 25.0L50.0 0.0L100.0 50.0V50H0Z',
  });
  expect(timelinePath([[1000, 100]], box).line).toBe('M0.0 25.0H100');
});

test('quantities are told in the units of people', () => {
  expect([400, 59_400, 65_000, 3_600_000 * 2 + 61_000].map(duration)).toEqual([
    '0 s',
    '59 s',
    '1 min 5 s',
    '2 h 1 min',
  ]);
  expect([5e6, 312 * 2 ** 20, 1.5 * 2 ** 30].map(size)).toEqual(['5 MB', '312 MB', '1.5 GB']);
});
