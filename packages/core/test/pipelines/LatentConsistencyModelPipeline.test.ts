import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Tensor } from 'onnxruntime-common';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { LatentConsistencyModelPipeline } from '../../src/pipelines/LatentConsistencyModelPipeline.js';
import { UNet2DConditionModel } from '../../src/models/UNet2DConditionModel.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import { guidanceEmbedding } from '../../src/sampling/guidance.js';
import { createScheduler } from '../../src/schedulers/createScheduler.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { fixturePath } from '../support/fixturePath.js';
import { pattern } from '../support/pattern.js';
import { PictureCall } from '../support/PictureCall.js';

const BASE = fixturePath('sd-tiny');
const INLINE = { deviceOptions: { inline: true, threads: 1 } };

let fixture: FixtureCase;
let folder: string;
let pipe: LatentConsistencyModelPipeline;
/** Stable Diffusion's pipeline with the same UNet. */
let plain: DiffusionPipeline;

/** sd-tiny under the class of LCM; its UNet, unless another one is given, is the plain one. */
beforeAll(async () => {
  fixture = await FixtureCase.open('lcm');
  folder = await mkdtemp(join(tmpdir(), 'thimble-lcm-'));
  await cp(BASE, folder, { recursive: true });
  const index = JSON.parse(await readFile(join(BASE, 'model_index.json'), 'utf8')) as object;
  const renamed = { ...index, _class_name: 'LatentConsistencyModelPipeline' };
  await writeFile(join(folder, 'model_index.json'), JSON.stringify(renamed));
  const unet = await UNet2DConditionModel.fromPretrained(fixturePath('lcm/unet'));
  pipe = await LatentConsistencyModelPipeline.fromPretrained(folder, { ...INLINE, components: { unet } });
  const { scheduler } = fixture.call('pipeline.lcm');
  pipe.scheduler = createScheduler('LCMScheduler', scheduler ?? {});
  plain = await DiffusionPipeline.fromPretrained(BASE, { ...INLINE, components: { unet } });
});
afterAll(async () => {
  await pipe.dispose();
  await plain.dispose();
  await rm(folder, { recursive: true, force: true });
});

function failures(excess: Readonly<Record<string, number>>): readonly unknown[] {
  return Object.entries(excess).filter(([, times]) => !(times <= 1));
}

test('the guidance scale is embedded as diffusers does, and the UNet takes it', async () => {
  const { w } = (await fixture.inputs('guidance_embedding')) as { w: Tensor };
  const { embedding } = fixture.call('guidance_embedding').out;
  const all = await fixture.tensor(embedding!.tensor);
  const width = all.dims[1] as number;
  for (const [i, less] of (w.data as Float32Array).entries()) {
    const row = guidanceEmbedding(less + 1, 1, width).data as Float32Array;
    for (const [j, value] of row.entries())
      expect(Math.abs(value - Number(all.data[i * width + j]))).toBeLessThan(2e-3);
  }
  for (const name of ['unet.2x8x10.t999', 'unet.2x8x10.t259']) {
    const { sample } = await pipe.unet.call(await fixture.inputs(name));
    expect(await fixture.excess(name, 'sample', sample!)).toBeLessThanOrEqual(1);
  }
});

test.each(['pipeline.lcm', 'pipeline.original-steps', 'pipeline.one-step', 'pipeline.img2img', 'pipeline.plain'])(
  '%s is the run of diffusers',
  async (run) => {
    const by = run === 'pipeline.plain' ? plain : pipe;
    const { 'draws left': left, ...excess } = await new PictureCall(by, fixture, run).run();
    expect(left).toBe(0);
    expect(Object.keys(excess)).toEqual(expect.arrayContaining(['latents', 'timesteps', 'image_u8']));
    expect(failures(excess)).toEqual([]);
  },
);

test('takes 4 steps at guidance 8.5 where nothing is said, one pass each', async () => {
  expect(pipe.defaults).toMatchObject({ numInferenceSteps: 4, guidanceScale: 8.5, width: 128, height: 128 });
  const batches: number[] = [];
  using tap = pipe.hooks.beforeModelCall.tap('test', ({ component, inputs }) => {
    if (component === 'unet') batches.push(inputs['sample']!.dims[0] as number);
  });
  void tap;
  await pipe.generate('x', { width: 32, height: 24, outputType: 'latent' });
  expect(batches).toEqual([1, 1, 1, 1]);
});

test.each<[string, GenerateOptions]>([
  ['negativePrompt', { negativePrompt: 'fog' }],
  ['maskImage', { image: pattern(32, 24), maskImage: pattern(32, 24) }],
  ['strength', { strength: 0.5 }],
  ['originalInferenceSteps', { originalInferenceSteps: 5000 }],
  ['image', { image: [pattern(32, 24), pattern(32, 24)] }],
])('refuses %s', async (name, options) => {
  const given = pipe.generate('x', { width: 32, height: 24, outputType: 'latent', ...options });
  await expect(given).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID', message: expect.stringContaining(name) });
});

test('refuses a UNet that takes no guidance scale', async () => {
  await using other = await DiffusionPipeline.fromPretrained(folder, INLINE);
  expect(other).toBeInstanceOf(LatentConsistencyModelPipeline);
  await expect(other.generate('x')).rejects.toMatchObject({
    code: 'ERR_CONFIG_UNSUPPORTED',
    details: { field: 'time_cond_proj_dim' },
  });
});
