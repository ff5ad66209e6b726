import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { DiffusionPipeline, Image, Tensor } from '@thimble/core';
import { clipPixels } from '../src/clipPixels.js';
import { IPAdapterPlugin } from '../src/index.js';

interface Fixture {
  readonly calls: readonly { readonly name: string }[];
  inputs(name: string): Promise<Record<string, Tensor>>;
  tensor(name: string): Promise<Tensor>;
  excess(name: string, output: string, got: Tensor): Promise<number>;
}

// By URL: tests of packages share no modules.
const support = (file: string): string => new URL(`../../core/test/support/${file}`, import.meta.url).href;
const { FixtureCase } = (await import(support('FixtureCase.ts'))) as {
  FixtureCase: { open(name: string): Promise<Fixture> };
};
const { replayRun } = (await import(support('replayRun.ts'))) as {
  replayRun: (pipe: DiffusionPipeline, fixture: Fixture, run: string, more: object) => Promise<Record<string, number>>;
};

const fixtures = fileURLToPath(new URL('../../core/test/fixtures', import.meta.url));
const ENCODER = 'ip_adapter_image_encoder';
const PROJECTION = 'ip_adapter_image_projection';

async function open(checkpoint: string, adapter: string, scale: number): Promise<DiffusionPipeline> {
  return DiffusionPipeline.fromPretrained(`${fixtures}/${checkpoint}`, {
    deviceOptions: { inline: true, threads: 1 },
    plugins: [new IPAdapterPlugin({ model: `${fixtures}/${adapter}`, scale })],
  });
}

/** An image of bytes [1, height, width, 3]. */
function imageOf({ data, dims: [, height = 1, width = 1] }: Tensor): Image {
  return new Image({ width, height, data: Uint8Array.from(data as Uint8Array) });
}

/** What of a run is further from diffusers' than it may be. */
function wrongOf(excess: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  return Object.entries(excess).filter(([, value]) => !(value <= 1));
}

describe('plain, with Stable Diffusion', () => {
  let pipe: DiffusionPipeline;
  let fixture: Fixture;

  beforeAll(async () => {
    fixture = await FixtureCase.open('sd-prompts');
    pipe = await open('sd-tiny', 'sd-prompts/ip/ip-adapter.safetensors', 0.6);
  });
  afterAll(async () => pipe.dispose());

  test('pictures are made ready, and encoded', async () => {
    const { image_u8 } = await fixture.inputs('sd.feature_extractor');
    const pixel_values = await clipPixels(imageOf(image_u8!), 32);
    expect(await fixture.excess('sd.feature_extractor', 'pixel_values', pixel_values)).toBeLessThan(0.001);
    const { image_embeds } = await pipe.components[ENCODER]!.call({ pixel_values });
    expect(await fixture.excess('sd.image_encoder', 'image_embeds', image_embeds!)).toBeLessThanOrEqual(1);
  });

  test('the UNet attends to them', async () => {
    const { image_embeds, timestep, ...inputs } = await fixture.inputs('sd.unet.ip-adapter.0.6');
    const { ip_hidden_states } = await pipe.components[PROJECTION]!.call({
      image_embeds: new Tensor('float32', image_embeds!.data as Float32Array, [1, 20]),
    });
    const { sample } = await pipe.components['unet']!.call({
      ...inputs,
      timestep: new Tensor('int64', timestep!.data as BigInt64Array, [1]),
      ip_hidden_states: ip_hidden_states!,
      ip_adapter_scale: new Tensor('float32', Float32Array.of(0.6), [1]),
    });
    expect(await fixture.excess('sd.unet.ip-adapter.0.6', 'sample', sample!)).toBeLessThanOrEqual(1);
  });

  test('whole runs, of a picture and of embeddings', async () => {
    const [image, embeds] = ['sd.pipeline.ip-adapter-image', 'sd.pipeline.ip-adapter-embeds'] as const;
    const { image_u8 } = await fixture.inputs(image);
    expect(
      wrongOf(await replayRun(pipe, fixture, image, { imageU8: undefined, ipAdapterImage: imageOf(image_u8!) })),
    ).toEqual([]);
    const { image_embeds } = await fixture.inputs(embeds);
    expect(
      wrongOf(await replayRun(pipe, fixture, embeds, { imageEmbeds: undefined, ipAdapterImageEmbeds: image_embeds })),
    ).toEqual([]);
  });

  test('embeddings of other shapes are refused', async () => {
    for (const dims of [
      [1, 1, 20],
      [2, 1, 1, 20],
    ]) {
      const ipAdapterImageEmbeds = new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims);
      const run = pipe.generate('x', {
        numInferenceSteps: 1,
        width: 32,
        height: 32,
        ipAdapterImageEmbeds,
      });
      await expect(run).rejects.toMatchObject({ cause: { code: 'ERR_ARGUMENT_INVALID' } });
    }
  });
});

describe.each([
  ['sd-plus', 'sd-tiny'],
  ['sdxl', 'sdxl-tiny'],
  ['sdxl-plus', 'sdxl-tiny'],
])('%s', (name, checkpoint) => {
  test('projects, and runs as diffusers does', async () => {
    const fixture = await FixtureCase.open('ip-adapter');
    await using pipe = await open(checkpoint, `ip-adapter/${name}.safetensors`, 0.7);
    const { ip_hidden_states } = await pipe.components[PROJECTION]!.call(await fixture.inputs(`${name}.projection`));
    expect(await fixture.excess(`${name}.projection`, 'ip_hidden_states', ip_hidden_states!)).toBeLessThanOrEqual(1);
    const [one, two] = [`${name}.pipeline.image`, `${name}.pipeline.two`];
    const { image_u8 } = await fixture.inputs(one);
    const first = imageOf(image_u8!);
    const bytes = { imageU8: undefined, secondU8: undefined };
    expect(wrongOf(await replayRun(pipe, fixture, one, { ...bytes, ipAdapterImage: first }))).toEqual([]);
    if (!fixture.calls.some((call) => call.name === two)) return;
    const { second_u8 } = await fixture.inputs(two);
    expect(
      wrongOf(await replayRun(pipe, fixture, two, { ...bytes, ipAdapterImage: [first, imageOf(second_u8!)] })),
    ).toEqual([]);
  });
});

test('the hidden states before the last layer', async () => {
  const fixture = await FixtureCase.open('ip-adapter');
  await using pipe = await open('sd-tiny', 'ip-adapter/sd-plus.safetensors', 0.7);
  const outputs = ['hidden_states.2', 'image_embeds'];
  const made = await pipe.components[ENCODER]!.call(await fixture.inputs('image_encoder'), { outputs });
  expect(await fixture.excess('image_encoder', 'hidden_states', made['hidden_states.2']!)).toBeLessThanOrEqual(1);
  expect(await fixture.excess('image_encoder', 'image_embeds', made['image_embeds']!)).toBeLessThanOrEqual(1);
});
