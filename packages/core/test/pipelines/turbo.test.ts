import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { fixturePath } from '../support/fixturePath.js';
import { PictureCall } from '../support/PictureCall.js';

describe.each([
  ['sd', 'sd-tiny'],
  ['sdxl', 'sdxl-tiny'],
])('%s', (name, checkpoint) => {
  let pipe: DiffusionPipeline;
  beforeAll(async () => {
    pipe = await DiffusionPipeline.fromPretrained(fixturePath(checkpoint), {
      deviceOptions: { inline: true, threads: 1 },
    });
  });
  afterAll(async () => {
    await pipe.dispose();
  });

  test.each(['pipeline.1', 'pipeline.2', 'pipeline.img2img'])('%s is the run of diffusers', async (run) => {
    const { 'draws left': left, ...excess } = await new PictureCall(
      pipe,
      await FixtureCase.open('turbo'),
      `${name}.${run}`,
    ).run();
    expect(left).toBe(0);
    expect(Object.keys(excess)).toEqual(expect.arrayContaining(['latents', 'timesteps', 'image_u8']));
    expect(Object.entries(excess).filter(([, times]) => !(times <= 1))).toEqual([]);
  });

  test('guidance 0 and 1 are the same: one pass, and no text but the prompt', async () => {
    const calls: string[] = [];
    using tap = pipe.hooks.beforeModelCall.tap('test', ({ component, inputs }) => {
      const { sample, input_ids: ids } = inputs;
      calls.push(`${component} ${(sample ?? ids)?.dims[0]}`);
    });
    void tap;
    pipe.scheduler = pipe.createScheduler('euler', { timestep_spacing: 'trailing' });
    const options = { width: 48, height: 40, numInferenceSteps: 1, seed: 1, outputType: 'latent' } as const;
    const [none, one] = [
      (await pipe.generate('a hut', { ...options, guidanceScale: 0, negativePrompt: 'fog' })).images,
      (await pipe.generate('a hut', { ...options, guidanceScale: 1 })).images,
    ];
    const encoders = name === 'sd' ? ['text_encoder 1'] : ['text_encoder 1', 'text_encoder_2 1'];
    expect(calls).toEqual([...encoders, 'unet 1', ...encoders, 'unet 1']);
    expect(none.data).toEqual(one.data);
  });
});
