import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { resizeNearest } from '../../src/images/resize/resizeNearest.js';
import { UNet2DConditionModel } from '../../src/models/UNet2DConditionModel.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { fixturePath } from '../support/fixturePath.js';
import { PictureCall } from '../support/PictureCall.js';

const DEVICE = { deviceOptions: { inline: true, threads: 1 } };
const CASES = ['img2img', 'img2img-more', 'inpaint', 'inpaint-more', 'sdxl-img2img', 'sdxl-inpaint'] as const;
const fixtures = new Map<string, FixtureCase>();
let pipe: DiffusionPipeline;
/** With a UNet of 9 channels. */
let fillsIn: DiffusionPipeline;
let xl: DiffusionPipeline;

beforeAll(async () => {
  for (const name of CASES) fixtures.set(name, await FixtureCase.open(name));
  pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), DEVICE);
  const unet = await UNet2DConditionModel.fromPretrained(fixturePath('inpaint-more/unet'));
  xl = await DiffusionPipeline.fromPretrained(fixturePath('sdxl-tiny'), DEVICE);
  fillsIn = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), { ...DEVICE, components: { unet } });
});
afterAll(async () => {
  await pipe.dispose();
  await fillsIn.dispose();
  await xl.dispose();
});

function fixture(name: (typeof CASES)[number]): FixtureCase {
  return fixtures.get(name) as FixtureCase;
}

/** Those that are further from diffusers than its tolerance; and draws that nobody made. */
function wrong(excess: Readonly<Record<string, number>>): [string, number][] {
  expect(Object.keys(excess)).toContain('latents');
  return Object.entries(excess).filter(([key, times]) => (key === 'draws left' ? times !== 0 : !(times <= 1)));
}

const SCHEDULERS = ['ddim', 'pndm', 'euler', 'dpm', 'unipc', 'lcm'];
const RUNS: Readonly<Record<(typeof CASES)[number], readonly string[]>> = {
  img2img: ['img2img'],
  'img2img-more': [
    ...SCHEDULERS.flatMap((scheduler) => ['0.3', '0.75', '1.0'].map((strength) => `${scheduler}.${strength}`)),
    'per-prompt',
    'from-latents',
  ],
  inpaint: ['inpaint'],
  'inpaint-more': ['strength-1', 'strength-0.6', 'soft-mask', 'euler', 'soft-mask-4', 'batch-4', 'crop'],
  'sdxl-img2img': ['strength', 'conditioned', 'window'],
  'sdxl-inpaint': ['strength', 'default-strength', 'strength-1', 'start'],
};

describe.each(CASES)('runs of %s are those of diffusers', (name) => {
  test.each(RUNS[name])('%s', async (run) => {
    const four = name.startsWith('sdxl') ? xl : pipe;
    const used = name === 'inpaint-more' && !run.endsWith('-4') ? fillsIn : four;
    // diffusers passes over it.
    const changed = run === 'conditioned' ? { negativeCropsCoordsTopLeft: undefined } : {};
    expect(wrong(await new PictureCall(used, fixture(name), `pipeline.${run}`).run(changed as object))).toEqual([]);
  });
});

test('tensors of other sizes: the mask is resized, as in diffusers; a picture has to have the size of the run', async () => {
  const call = new PictureCall(fillsIn, fixture('inpaint-more'), 'pipeline.other-sizes');
  await expect(call.run()).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID', details: { argument: 'image' } });
  const { image } = await call.pictures();
  expect(wrong(await call.run({ image: resizeNearest(image as Tensor, 40, 56) }))).toEqual([]);
});

test('a UNet with 9 channels is given the mask, and the latents of the masked picture', async () => {
  const samples: Tensor[] = [];
  using tap = fillsIn.hooks.beforeModelCall.tap('test:samples', ({ component, inputs }) => {
    if (component === 'unet') samples.push(inputs['sample'] as Tensor);
  });
  const run = 'pipeline.strength-0.6';
  await new PictureCall(fillsIn, fixture('inpaint-more'), run).run();
  void tap;
  const channels = (first: number, count: number): Tensor => {
    const { data, dims } = samples[0] as Tensor;
    const [, , height, width] = dims as [number, number, number, number];
    const plane = height * width;
    const part = (data as Float32Array).slice(first * plane, (first + count) * plane);
    return new Tensor('float32', part, [1, count, height, width]);
  };
  expect(await fixture('inpaint-more').excess(run, 'mask_latents', channels(4, 1))).toBe(0);
  expect(await fixture('inpaint-more').excess(run, 'masked_image_latents', channels(5, 4))).toBeLessThanOrEqual(1);
});
