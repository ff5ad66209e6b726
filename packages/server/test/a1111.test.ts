import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Image } from '@thimble/core';
import sharp from 'sharp';
import type { ThimbleServer } from '../src/index.js';
import { openTiny, tinyServer, until } from './support/tinyServer.js';

let server: ThimbleServer;
let url: string;
beforeAll(async () => {
  server = await tinyServer();
  url = await server.listen();
});
afterAll(async () => server.close());

async function ask(path: string, body?: object): Promise<{ status: number; json: Record<string, unknown> }> {
  const post = { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const answer = await fetch(`${url}/sdapi/v1/${path}`, body === undefined ? {} : post);
  return { status: answer.status, json: (await answer.json()) as Record<string, unknown> };
}
const open = async (json: Record<string, unknown>, at = 0): Promise<Image> =>
  Image.open(Buffer.from((json['images'] as string[])[at]!, 'base64'));
const picture = async (background: string): Promise<string> =>
  (
    await sharp({ create: { width: 64, height: 64, channels: 3, background } })
      .png()
      .toBuffer()
  ).toString('base64');

/** As a front end sends it, with much that nobody touched. */
const TXT2IMG = {
  prompt: 'a cat',
  negative_prompt: 'a dog',
  seed: 7,
  steps: 3,
  cfg_scale: 2,
  width: 64,
  height: 64,
  batch_size: 1,
  n_iter: 2,
  sampler_name: 'Euler a',
  scheduler: 'Karras',
  enable_hr: false,
  alwayson_scripts: {},
  override_settings: {},
  restore_faces: null,
  tiling: false,
  styles: [],
  subseed: -1,
  save_images: false,
  script_name: null,
};

test('txt2img gives pictures and what is known of them, as a text', async () => {
  const { status, json } = await ask('txt2img', TXT2IMG);
  expect(status).toBe(200);
  const info = JSON.parse(json['info'] as string) as Record<string, unknown>;
  expect(info).toMatchObject({
    seed: 7,
    all_seeds: [7, 8],
    steps: 3,
    cfg_scale: 2,
    width: 64,
    sampler_name: 'Euler a karras',
    sd_model_name: 'tiny',
  });
  expect((info['infotexts'] as string[])[1]).toMatch(/^a cat\nNegative prompt: a dog\nSteps: 3, .*Seed: 8/);
  expect(json['parameters']).toMatchObject({ prompt: 'a cat', steps: 3 });
  await using pipe = await openTiny();
  pipe.scheduler = pipe.createScheduler('euler_a_karras');
  const run = await pipe.generate('a cat', {
    negativePrompt: 'a dog',
    seed: [7, 8],
    numImagesPerPrompt: 2,
    numInferenceSteps: 3,
    guidanceScale: 2,
    width: 64,
    height: 64,
  });
  expect((await open(json, 1)).data).toEqual(run.images[1]!.data);
});

test('img2img begins with a picture, and makes anew what a mask says, or all else', async () => {
  const body = {
    ...TXT2IMG,
    n_iter: 1,
    init_images: [`data:image/png;base64,${await picture('#ff0000')}`],
    denoising_strength: 0.6,
  };
  const plain = await ask('img2img', body);
  const whole = await ask('img2img', { ...body, mask: await picture('white') });
  const none = await ask('img2img', { ...body, mask: await picture('white'), inpainting_mask_invert: 1 });
  expect([plain.status, whole.status, none.status]).toEqual([200, 200, 200]);
  expect(plain.json['parameters']).not.toHaveProperty('init_images');
  await using pipe = await openTiny();
  pipe.scheduler = pipe.createScheduler('euler_a_karras');
  const options = {
    negativePrompt: 'a dog',
    seed: 7,
    numInferenceSteps: 3,
    guidanceScale: 2,
    width: 64,
    height: 64,
    strength: 0.6,
  };
  const image = Buffer.from(await picture('#ff0000'), 'base64');
  expect((await open(plain.json)).data).toEqual((await pipe.generate('a cat', { ...options, image })).images[0]!.data);
  const maskImage = (color: string): Promise<Buffer> => picture(color).then((base64) => Buffer.from(base64, 'base64'));
  expect((await open(whole.json)).data).toEqual(
    (await pipe.generate('a cat', { ...options, image, maskImage: await maskImage('white') })).images[0]!.data,
  );
  expect((await open(none.json)).data).toEqual(
    (await pipe.generate('a cat', { ...options, image, maskImage: await maskImage('black') })).images[0]!.data,
  );
});

test('progress shows the run, and interrupt ends it', async () => {
  expect((await ask('progress')).json).toMatchObject({ progress: 0, current_image: null, state: { job_count: 0 } });
  const run = ask('txt2img', { prompt: 'a cat', steps: 100, override_settings: { sd_model_checkpoint: 'slow' } });
  await until(async () => (await ask('progress')).json['current_image'] !== null);
  const { json } = await ask('progress');
  expect(json['progress']).toBeGreaterThan(0);
  expect(json['eta_relative']).toBeGreaterThan(1);
  expect(json['state']).toMatchObject({ sampling_steps: 100, job_count: 1 });
  expect(await sharp(Buffer.from(json['current_image'] as string, 'base64')).metadata()).toMatchObject({
    format: 'png',
  });
  expect((await ask('progress?skip_current_image=true')).json['current_image']).toBeNull();
  await ask('interrupt', {});
  const interrupted = await run;
  expect([interrupted.status, interrupted.json['images']]).toEqual([200, []]);
  expect(JSON.parse(interrupted.json['info'] as string)).toMatchObject({ interrupted: true });
});

test('lists models, samplers and spacings, and switches the model', async () => {
  expect((await ask('sd-models')).json).toMatchObject([{ title: 'tiny', model_name: 'tiny' }, { title: 'slow' }]);
  const samplers = (await ask('samplers')).json as unknown as { name: string }[];
  expect(samplers.map(({ name }) => name)).toEqual(expect.arrayContaining(['Euler a', 'DPM++ 2M', 'DDIM', 'UniPC']));
  expect(((await ask('schedulers')).json as unknown as { name: string }[]).map(({ name }) => name)).toContain('karras');
  expect((await ask('options')).json).toMatchObject({ sd_model_checkpoint: 'tiny' });
  expect((await ask('options', { sd_model_checkpoint: 'slow' })).status).toBe(200);
  expect((await ask('options')).json).toMatchObject({ sd_model_checkpoint: 'slow' });
  expect((await ask('options', { sd_model_checkpoint: 'none' })).status).toBe(404);
  await ask('options', { sd_model_checkpoint: 'tiny' });
});

test.each([
  ['txt2img', { enable_hr: true }, 400],
  ['txt2img', { sampler_name: 'Fast' }, 400],
  ['txt2img', { sampler_name: 'Euler', scheduler: 'Steep' }, 400],
  ['txt2img', { script_name: 'x/y/z plot' }, 400],
  ['txt2img', { steps: 'many' }, 400],
  ['txt2img', { batch_size: 100 }, 413],
  ['txt2img', { override_settings: { sd_model_checkpoint: '../../tiny' } }, 404],
  ['img2img', {}, 400],
  ['img2img', { init_images: ['/etc/passwd'] }, 400],
  ['img2img', { init_images: ['AAAA'] }, 400],
])('%s refuses %j', async (path, more, status) => {
  const answer = await ask(path, { prompt: 'a cat', ...more });
  expect(answer).toMatchObject({
    status,
    json: { detail: expect.any(String), error: { type: 'invalid_request_error' } },
  });
});
