import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import { FixtureCase } from '../support/FixtureCase.js';
import { RecordedNoise } from '../support/RecordedNoise.js';
import { stackTensors } from '../support/stackTensors.js';

const OPTION_OF: Readonly<Record<string, keyof GenerateOptions>> = {
  negative_prompt: 'negativePrompt',
  guidance_scale: 'guidanceScale',
  height: 'height',
  width: 'width',
  num_inference_steps: 'numInferenceSteps',
  num_images_per_prompt: 'numImagesPerPrompt',
  eta: 'eta',
  guidance_rescale: 'guidanceRescale',
};

describe.each(['sd-tiny', 'sd2-tiny', 'sd-tiny-f16'])('whole runs of %s are those of diffusers', (name) => {
  let fixture: FixtureCase;
  let pipe: DiffusionPipeline;

  beforeAll(async () => {
    fixture = await FixtureCase.open(name);
    pipe = await DiffusionPipeline.fromPretrained(fixture.folder, { deviceOptions: { inline: true, threads: 1 } });
  });
  afterAll(async () => {
    await pipe.dispose();
  });

  test('latents after every step, timesteps, and the picture', async () => {
    const runs = fixture.calls.filter(({ call }) => call === 'StableDiffusionPipeline.__call__');
    expect(runs.length).toBeGreaterThan(0);
    const excess: Record<string, number> = {};
    for (const { name: run, args, out, draws = [] } of runs) {
      const { latents } = await fixture.inputs(run);
      const generator = new RecordedNoise(await Promise.all(draws.map((draw) => fixture.tensor(draw))));
      const known = Object.entries(args)
        .filter(([key]) => key in OPTION_OF)
        .map(([key, value]) => [OPTION_OF[key], value]);
      const isLatent = args['output_type'] === 'latent';
      const options = {
        ...(Object.fromEntries(known) as Omit<GenerateOptions, 'outputType'>),
        latents: latents as Tensor,
        generator,
        outputType: isLatent ? ('latent' as const) : ('tensor' as const),
      };
      const trajectory: Tensor[] = [];
      const timesteps: bigint[] = [];
      for await (const event of pipe.stream(args['prompt'] as string, options)) {
        if (event.type === 'step') {
          trajectory.push(await event.latents());
          timesteps.push(BigInt(event.timestep));
        }
        if (event.type === 'done' && 'image' in out)
          excess[`${run} image`] = await fixture.excess(run, 'image', channelsLast(event.result.images));
      }
      excess[`${run} latents`] = await fixture.excess(run, 'latents', stackTensors(trajectory));
      expect(
        await fixture.excess(run, 'timesteps', new Tensor('int64', BigInt64Array.from(timesteps), [timesteps.length])),
      ).toBe(0);
      expect(generator.left).toBe(0);
    }
    expect(Object.entries(excess).filter(([, times]) => !(times <= 1))).toEqual([]);
  }, 120_000);

  test('bytes of the picture differ by at most 1', async () => {
    const { name: run, args } = fixture.calls.find(({ out }) => 'image_u8' in out) ?? fixture.call('none');
    const { latents } = await fixture.inputs(run);
    const known = Object.entries(args)
      .filter(([key]) => key in OPTION_OF)
      .map(([key, value]) => [OPTION_OF[key], value]);
    const { images } = await pipe.generate(args['prompt'] as string, {
      ...(Object.fromEntries(known) as Omit<GenerateOptions, 'outputType'>),
      latents: latents as Tensor,
    });
    const data = new Uint8Array(images.flatMap((image) => [...image.data]));
    const first = images[0];
    if (first === undefined) throw new Error('no image');
    const got = new Tensor('uint8', data, [images.length, first.height, first.width, 3]);
    expect(await fixture.excess(run, 'image_u8', got)).toBeLessThanOrEqual(1);
    expect(first.metadata['parameters']).toContain(`Size: ${first.width}x${first.height}`);
  }, 60_000);
});

function channelsLast(pixels: Tensor): Tensor {
  const [n, c, h, w] = pixels.dims as [number, number, number, number];
  const data = pixels.data as Float32Array;
  const out = new Float32Array(data.length);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < c; j++)
      for (let p = 0; p < h * w; p++) out[(i * h * w + p) * c + j] = data[(i * c + j) * h * w + p] as number;
  return new Tensor('float32', out, [n, h, w, c]);
}
