import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Image } from '@thimble/core';
import OpenAI, { APIError, toFile } from 'openai';
import sharp from 'sharp';
import type { ThimbleServer } from '../src/index.js';
import { openTiny, SHORT, tinyServer, until } from './support/tinyServer.js';

let server: ThimbleServer;
let url: string;
let client: OpenAI;
beforeAll(async () => {
  server = await tinyServer({ maxImages: 4 });
  url = await server.listen();
  client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(async () => server.close());

/** The client's types do not know the options of diffusion models. */
const asked = (more: object = {}): OpenAI.ImageGenerateParamsNonStreaming => ({
  model: 'tiny',
  prompt: 'a cat',
  ...SHORT,
  ...more,
});
const bytes = (base64: string | undefined): Buffer => Buffer.from(base64 as string, 'base64');
const hash = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
const failure = async (promise: Promise<unknown>): Promise<Partial<APIError>> => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof APIError) return error;
    throw error;
  }
  throw new Error('it did not fail');
};
const picture = async (alpha?: (x: number) => number): Promise<Buffer> => {
  const channels = alpha === undefined ? 3 : 4;
  const data = Buffer.from(
    Array.from({ length: 64 * 64 * channels }, (_, i) =>
      i % channels === 3 ? alpha!(Math.floor(i / 4) % 64) : i % 251,
    ),
  );
  return sharp(data, { raw: { width: 64, height: 64, channels } })
    .png()
    .toBuffer();
};

test('lists the models', async () => {
  const { data } = await client.models.list();
  expect(data.map(({ id, object }) => [id, object])).toEqual([
    ['tiny', 'model'],
    ['slow', 'model'],
  ]);
  expect(await client.models.retrieve('tiny')).toMatchObject({ id: 'tiny' });
  expect(await failure(client.models.retrieve('none'))).toMatchObject({ status: 404, code: 'ERR_MODEL_UNKNOWN' });
});

test('gives the picture that the library gives, with its settings inside', async () => {
  const { data, created } = await client.images.generate(
    asked({
      seed: 5,
      size: '64x64',
      response_format: 'b64_json',
      negative_prompt: 'a dog',
      scheduler: 'euler_a',
      user: 'somebody',
      quality: null,
    }),
  );
  expect(created).toBeGreaterThan(1.7e9);
  await using pipe = await openTiny();
  pipe.scheduler = pipe.createScheduler('euler_a');
  const { images } = await pipe.generate('a cat', {
    numInferenceSteps: 2,
    guidanceScale: 2,
    seed: 5,
    width: 64,
    height: 64,
    negativePrompt: 'a dog',
  });
  expect(hash(bytes(data?.[0]?.b64_json))).toBe(hash(await images[0]!.toBuffer()));
});

test('gives n pictures with a seed each, and by their addresses where asked', async () => {
  const { data = [] } = await client.images.generate(
    asked({ seed: 5, n: 2, response_format: 'url', output_format: 'webp' }),
  );
  expect(data.map((each) => (each as { seed?: number }).seed)).toEqual([5, 6]);
  const files = await Promise.all(data.map(async (each) => fetch(each.url as string)));
  expect(files.map(({ status, headers }) => [status, headers.get('content-type')])).toEqual([
    [200, 'image/webp'],
    [200, 'image/webp'],
  ]);
  expect(await sharp(Buffer.from(await files[1]!.arrayBuffer())).metadata()).toMatchObject({
    format: 'webp',
    width: 64,
  });
  const random = await client.images.generate(asked({ n: 2, output_format: 'jpeg' }));
  const seeds = (random.data ?? []).map((each) => (each as { seed?: number }).seed);
  expect(seeds[0]).not.toBe(seeds[1]);
  expect((await sharp(bytes(random.data?.[0]?.b64_json)).metadata()).format).toBe('jpeg');
});

test('streams partial images, then the picture', async () => {
  const stream = await client.images.generate({ ...asked({ steps: 8, seed: 5 }), stream: true, partial_images: 3 });
  const events = [];
  for await (const event of stream) events.push(event);
  expect(events.map(({ type }) => type)).toEqual([
    ...Array.from({ length: 3 }, () => 'image_generation.partial_image'),
    'image_generation.completed',
  ]);
  expect(events.slice(0, 3).map((event) => (event as OpenAI.ImageGenPartialImageEvent).partial_image_index)).toEqual([
    0, 1, 2,
  ]);
  expect(await sharp(bytes(events[0]?.b64_json)).metadata()).toMatchObject({ format: 'png', width: 8 });
  const whole = await client.images.generate(asked({ steps: 8, seed: 5 }));
  expect(events.at(-1)?.b64_json).toBe(whole.data?.[0]?.b64_json);
});

test('edits what a mask leaves transparent, or the picture itself', async () => {
  const image = await toFile(await picture(), 'image.png', { type: 'image/png' });
  const mask = await toFile(await picture((x) => (x < 32 ? 0 : 255)), 'mask.png', { type: 'image/png' });
  const edit = (more: object): OpenAI.ImageEditParamsNonStreaming =>
    ({ ...asked({ seed: 5, ...more }), image }) as OpenAI.ImageEditParamsNonStreaming;
  const masked = await Image.open(bytes((await client.images.edit(edit({ mask }))).data?.[0]?.b64_json));
  const whole = await Image.open(
    bytes((await client.images.edit(edit({ image: [image], strength: 0.5 }))).data?.[0]?.b64_json),
  );
  expect([masked.width, whole.width]).toEqual([64, 64]);
  await using pipe = await openTiny();
  const white = await sharp(Buffer.from(Array.from({ length: 64 * 64 }, (_, i) => (i % 64 < 32 ? 255 : 0))), {
    raw: { width: 64, height: 64, channels: 1 },
  })
    .png()
    .toBuffer();
  const same = { numInferenceSteps: 2, guidanceScale: 2, seed: 5, image: await picture() };
  expect(masked.data).toEqual((await pipe.generate('a cat', { ...same, maskImage: white })).images[0]!.data);
  expect(whole.data).toEqual((await pipe.generate('a cat', { ...same, strength: 0.5 })).images[0]!.data);
  const stream = await client.images.edit({ ...edit({ mask }), stream: true, partial_images: 1 });
  const types = [];
  for await (const { type } of stream) types.push(type);
  expect(types).toEqual(['image_edit.partial_image', 'image_edit.completed']);
});

test.each([
  ['an unknown model', { model: 'none' }, 404, 'ERR_MODEL_UNKNOWN', null],
  ['too many pictures', { n: 5 }, 413, 'ERR_REQUEST_LIMIT', 'n'],
  ['too many steps', { steps: 151 }, 413, 'ERR_REQUEST_LIMIT', 'steps'],
  ['too many pixels', { size: '65536x65536' }, 413, 'ERR_REQUEST_LIMIT', 'size'],
  ['a wrong type', { steps: 'many' }, 400, 'FST_ERR_VALIDATION', 'steps'],
  ['a wrong format', { response_format: 'file' }, 400, 'FST_ERR_VALIDATION', 'response_format'],
  ['a size that the model does not make', { size: '63x64' }, 400, 'ERR_ARGUMENT_INVALID', 'width'],
  ['no prompt', { prompt: undefined }, 400, 'FST_ERR_VALIDATION', 'prompt'],
  ['an unknown option', { stepps: 2 }, 400, 'ERR_ARGUMENT_INVALID', null],
  ['an option of code', { output_type: 'latent' }, 400, 'ERR_ARGUMENT_INVALID', null],
  ['the same in another spelling', { numInferenceSteps: 2 }, 400, 'ERR_REQUEST_INVALID', 'numInferenceSteps'],
  ['a path in place of a picture', { image: '/etc/passwd' }, 400, 'ERR_REQUEST_INVALID', 'image'],
  ['a file as address', { image: 'file:///etc/passwd' }, 400, 'ERR_REQUEST_INVALID', 'image'],
  ['an address', { image: 'http://127.0.0.1/' }, 400, 'ERR_URL_REFUSED', null],
  ['an unknown scheduler', { scheduler: 'fast' }, 400, 'ERR_SCHEDULER_UNKNOWN', 'scheduler'],
])('refuses %s', async (_, more, status, code, param) => {
  expect(await failure(client.images.generate(asked(more)))).toMatchObject({
    status,
    code,
    param,
    type: 'invalid_request_error',
  });
});

test('refuses hostile pictures and masks without transparency', async () => {
  const edit = async (image: Buffer, more: object = {}): Promise<Partial<APIError>> =>
    failure(
      client.images.edit({ ...asked(more), image: await toFile(image, 'a.png') } as OpenAI.ImageEditParamsNonStreaming),
    );
  const svg = Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="/etc/passwd"/></svg>',
  );
  expect(await edit(svg)).toMatchObject({ status: 400, code: 'ERR_REQUEST_INVALID', param: 'image' });
  expect(await edit(Buffer.from('no picture'))).toMatchObject({ status: 400, param: 'image' });
  const whole = await picture();
  expect((await edit(whole.subarray(0, whole.length - 100))).status).toBe(400);
  const bomb = await sharp({ create: { width: 9000, height: 9000, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  expect(await edit(bomb)).toMatchObject({ status: 413, code: 'ERR_REQUEST_LIMIT' });
  expect(await edit(await picture(), { mask: await toFile(await picture(), 'm.png') })).toMatchObject({
    status: 400,
    param: 'mask',
  });
});

test('a client that goes away ends its run, and leaves the device to the next one', async () => {
  const gone = new AbortController();
  const left = client.images.generate(asked({ model: 'slow', steps: 100 }), { signal: gone.signal });
  const stream = await client.images.generate({ ...asked({ model: 'slow', steps: 100 }), stream: true });
  await until(async () => (await server.service.queue.load()).queued === 1);
  gone.abort();
  stream.controller.abort();
  await expect(left).rejects.toThrow(/abort/i);
  await until(async () => (await server.service.queue.load()).running === 0);
  expect((await client.images.generate(asked())).data).toHaveLength(1);
});
