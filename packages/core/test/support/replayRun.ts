import { expect } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import type { GenerateOptions } from '../../src/run/GenerateOptions.js';
import type { Pipeline } from '../../src/run/Pipeline.js';
import type { FixtureCase } from './FixtureCase.js';
import { RecordedNoise } from './RecordedNoise.js';
import { stackTensors } from './stackTensors.js';

/** The options of a recorded run, diffusers' names in camelCase; inputs that are tensors among them. */
export async function optionsOf(fixture: FixtureCase, run: string): Promise<GenerateOptions> {
  const { args } = fixture.call(run);
  const { prompt, output_type, ...given } = { ...args, ...(await fixture.inputs(run)) };
  void [prompt, output_type];
  const camel = (name: string): string => name.replaceAll(/_([a-z\d])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [camel(name), value]));
}

/**
 * Makes a recorded run again and compares its timesteps, the latents after each step and what came out. Gives how much each is off, in tolerances; `more` goes before what was recorded, `undefined`
 * leaves it out. `pack` makes of latents what was recorded. All noise that was recorded must have been drawn.
 */
export async function replayRun(
  pipe: Pipeline,
  fixture: FixtureCase,
  run: string,
  more: GenerateOptions = {},
  pack: (latents: Tensor) => Tensor = (latents) => latents,
): Promise<Record<string, number>> {
  const { args, out, draws = [] } = fixture.call(run);
  const generator = new RecordedNoise(await Promise.all(draws.map((draw) => fixture.tensor(draw))));
  const outputType = args['output_type'] === 'latent' ? ('latent' as const) : ('tensor' as const);
  const trajectory: Tensor[] = [];
  const timesteps: number[] = [];
  const excess: Record<string, number> = {};
  const given = Object.entries({ ...(await optionsOf(fixture, run)), generator, ...more, outputType });
  const options = Object.fromEntries(given.filter(([, value]) => value !== undefined)) as GenerateOptions<
    typeof outputType
  >;
  for await (const event of pipe.stream((args['prompt'] ?? '') as string, options)) {
    if (event.type === 'step') {
      trajectory.push(pack(await event.latents()));
      timesteps.push(event.timestep);
      expect(event.steps).toBe(out['timesteps']!.shape[0]);
    }
    if (event.type !== 'done') continue;
    const images = event.result.images;
    if ('image' in out) excess[`${run} image`] = await fixture.excess(run, 'image', channelsLast(images));
    if ('images' in out) excess[`${run} images`] = await fixture.excess(run, 'images', images);
  }
  excess[`${run} latents`] = await fixture.excess(run, 'latents', stackTensors(trajectory));
  const times = new Tensor('float32', Float32Array.from(timesteps), [timesteps.length]);
  excess[`${run} timesteps`] = await fixture.excess(run, 'timesteps', times);
  expect(generator.left).toBe(0);
  return excess;
}

function channelsLast(pixels: Tensor): Tensor {
  const [n, c, h, w] = pixels.dims as [number, number, number, number];
  const data = pixels.data as Float32Array;
  const out = new Float32Array(data.length);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < c; j++)
      for (let p = 0; p < h * w; p++) out[(i * h * w + p) * c + j] = data[(i * c + j) * h * w + p] as number;
  return new Tensor('float32', out, [n, h, w, c]);
}
