import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Tensor } from 'onnxruntime-common';
import { AutoencoderTiny } from '../../src/models/AutoencoderTiny.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { fixturePath } from '../support/fixturePath.js';
import { openComponent } from '../support/openComponent.js';
import { pattern } from '../support/pattern.js';
import { PictureCall } from '../support/PictureCall.js';
import { replayRun } from '../support/replayRun.js';

let fixture: FixtureCase;
let pipe: DiffusionPipeline;

beforeAll(async () => {
  fixture = await FixtureCase.open('taesd');
  const vae = await AutoencoderTiny.fromPretrained(fixturePath('taesd/tiny4'));
  pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
    components: { vae },
    deviceOptions: { inline: true, threads: 1 },
  });
});
afterAll(async () => {
  await pipe.dispose();
});

function failures(excess: Readonly<Record<string, number>>): readonly unknown[] {
  return Object.entries(excess).filter(([, times]) => !(times <= 1));
}

test.each(['tiny4', 'tiny16'])('%s decodes and encodes as diffusers does', async (name) => {
  const component = await openComponent(fixture.folder, name);
  const excess: Record<string, number> = {};
  for (const { name: call } of fixture.calls.filter((each) => each.name.startsWith(name))) {
    const { x } = (await fixture.inputs(call)) as { x: Tensor };
    if (call.includes('encode'))
      excess[call] = await fixture.excess(call, 'latents', (await component.encode({ x })).moments);
    else excess[call] = await fixture.excess(call, 'sample', (await component.decode({ z: x })).sample);
  }
  await component.unload();
  expect(Object.keys(excess)).toHaveLength(4);
  expect(failures(excess)).toEqual([]);
});

describe("in place of a checkpoint's VAE", () => {
  test('a run from a prompt is that of diffusers', async () => {
    expect(failures(await replayRun(pipe, fixture, 'pipeline.text2img'))).toEqual([]);
  });

  test('a run from a picture draws the noise alone', async () => {
    const { 'draws left': left, ...excess } = await new PictureCall(pipe, fixture, 'pipeline.img2img').run();
    expect(left).toBe(0);
    expect(Object.keys(excess)).toEqual(expect.arrayContaining(['latents', 'image_u8']));
    expect(failures(excess)).toEqual([]);
  });

  test('it fills in behind a mask, with previews', async () => {
    let previews = 0;
    const options = { image: pattern(32, 24), maskImage: pattern(32, 24), numInferenceSteps: 2, seed: [1, 2] };
    for await (const event of pipe.stream('x', { ...options, numImagesPerPrompt: 2, previews: true }))
      if (event.type === 'preview') previews += event.images.length;
    expect(previews).toBe(4);
  });
});

test('a config without fields is that of TAESD; others are refused by the field', () => {
  const { config, entries } = AutoencoderTiny.fromConfig({});
  expect(config).toMatchObject({ block_out_channels: [64, 64, 64, 64], scaling_factor: 1, latent_channels: 4 });
  expect(entries['decode']?.nominal).toEqual({ latentHeight: 64, latentWidth: 64 });
  for (const [field, value] of [
    ['decoder_block_out_channels', [64, 64, 64, 32]],
    ['upsample_fn', 'bilinear'],
    ['upsampling_scaling_factor', 3],
    ['act_fn', 'swiglu'],
  ] as const)
    expect(() => AutoencoderTiny.fromConfig({ [field]: value })).toThrow(field);
});
