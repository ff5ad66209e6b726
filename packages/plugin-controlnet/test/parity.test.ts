import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DiffusionPipeline, type PluginHandle, type Tensor } from '@thimble/core';
import { ControlNetPlugin } from '../src/index.js';
import { failuresOf, FixtureCase, picturesOf } from './support/oracle.js';

const FIXTURES = fileURLToPath(new URL('../../core/test/fixtures/', import.meta.url));
const INLINE = { deviceOptions: { inline: true, threads: 1 } };

let pipe: DiffusionPipeline;
let fixture: FixtureCase;

/** What a ControlNet's outputs are off by, those above the tolerance alone. */
async function outputFailures(component: string, call: string): Promise<readonly unknown[]> {
  const outputs = await pipe.components[component]!.call(await fixture.inputs(call));
  expect(Object.keys(outputs)).toHaveLength(Object.keys(fixture.call(call).out).length);
  const failures: unknown[] = [];
  for (const [name, tensor] of Object.entries(outputs)) {
    const recorded = name === 'mid_block_res_sample' ? 'mid' : name.replace('down_block_res_samples.', 'down_');
    const excess = await fixture.excess(call, recorded, tensor);
    if (!(excess <= 1)) failures.push([recorded, excess]);
  }
  return failures;
}

describe('with Stable Diffusion', () => {
  const [own, bgr] = [`${FIXTURES}controlnet/controlnet`, `${FIXTURES}controlnet/controlnet-bgr`];
  let one: PluginHandle | undefined;

  beforeAll(async () => {
    fixture = await FixtureCase.open('controlnet');
    pipe = await DiffusionPipeline.fromPretrained(`${FIXTURES}sd-tiny`, INLINE);
  });
  afterAll(async () => pipe.dispose());

  test('the models give what diffusers gives, one without attention that wants blue first too', async () => {
    one = await pipe.use(new ControlNetPlugin([{ model: own }, { model: bgr }]));
    expect(await outputFailures('controlnet', 'controlnet.plain')).toEqual([]);
    expect(await outputFailures('controlnet_2', 'controlnet_2.plain')).toEqual([]);
  });

  test('and a run with both', async () => {
    expect(await failuresOf(pipe, fixture, 'pipeline.two')).toEqual([]);
    await one!.remove();
  });

  test.each(['scale', 'interval', 'guess', 'batch', 'no-cfg'])('and a run with one: %s', async (run) => {
    if (!pipe.plugins.some(({ name }) => name === 'thimble:controlnet'))
      await pipe.use(new ControlNetPlugin({ model: own }));
    expect(await failuresOf(pipe, fixture, `pipeline.${run}`)).toEqual([]);
  });

  test('which the plugin may say as well as the run', async () => {
    await pipe.remove('thimble:controlnet');
    const { controlImage: image } = (await picturesOf(fixture, 'pipeline.interval')) as { controlImage: Tensor };
    const strength = { conditioningScale: 0.7, controlGuidanceStart: 0.2, controlGuidanceEnd: 0.7 };
    await pipe.use(new ControlNetPlugin({ model: own, image, ...strength }));
    const left = { controlImage: undefined, controlnetConditioningScale: undefined, controlGuidanceStart: undefined };
    const more = { ...left, controlGuidanceEnd: undefined };
    expect(await failuresOf(pipe, fixture, 'pipeline.interval', more)).toEqual([]);
  });
});

describe('with Stable Diffusion XL', () => {
  beforeAll(async () => {
    fixture = await FixtureCase.open('controlnet-sdxl');
    pipe = await DiffusionPipeline.fromPretrained(`${FIXTURES}sdxl-tiny`, INLINE);
    await pipe.use(new ControlNetPlugin({ model: `${FIXTURES}controlnet-sdxl/controlnet` }));
  });
  afterAll(async () => pipe.dispose());

  test('the model gives what diffusers gives', async () => {
    expect(await outputFailures('controlnet', 'controlnet.plain')).toEqual([]);
  });

  test.each(['scale', 'guess'])('and a run: %s', async (run) => {
    expect(await failuresOf(pipe, fixture, `pipeline.${run}`)).toEqual([]);
  });
});
