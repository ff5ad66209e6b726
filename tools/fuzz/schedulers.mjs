// Configs of schedulers, and what they are asked to do: refused, or the timesteps are finite numbers that fall, and a step gives latents of the right shape.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { schedulerRegistry, Tensor, TorchGenerator } from '@thimble/core';
import fc from 'fast-check';
import { FIXTURES } from './fixtures.mjs';
import { oddJsonValues, oddNumbers, oddValues } from './oddValues.mjs';
import { refusalOf } from './refusalOf.mjs';
import { spoiledJson } from './spoiledJson.mjs';

const CHECKPOINTS = [
  'sd-tiny',
  'sd2-tiny',
  'sdxl-tiny',
  'sd3-tiny',
  'flux-tiny',
  'z-image-tiny',
  'cogvideox-tiny',
  'turbo',
];
const DIMS = [1, 4, 2, 2];
const SAMPLE = new Tensor(
  'float32',
  Float32Array.from({ length: 16 }, (_, i) => Math.sin(i)),
  DIMS,
);

export const count = 250_000;

export async function open() {
  const originals = [];
  for (const Class of Object.values(schedulerRegistry))
    originals.push({ name: Class.name, text: JSON.stringify(Class.fromConfig({}).config) });
  for (const name of CHECKPOINTS) {
    const text = await readFile(join(FIXTURES, name, 'scheduler/scheduler_config.json'), 'utf8').catch(() => undefined);
    if (text !== undefined) originals.push({ name, text });
  }
  const options = fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    {
      weight: 2,
      arbitrary: fc.record(
        {
          timesteps: numbers(0, 999),
          sigmas: numbers(0, 20),
          mu: fc.option(oddNumbers, { nil: undefined }),
          strength: oddNumbers,
        },
        { requiredKeys: [] },
      ),
    },
    {
      weight: 1,
      arbitrary: fc.dictionary(
        fc.constantFrom('timesteps', 'sigmas', 'mu', 'originalInferenceSteps', 'strength', 'x'),
        oddValues,
        { maxKeys: 2 },
      ),
    },
  );
  return {
    inputs: fc.record({
      name: fc.constantFrom(...Object.keys(schedulerRegistry)),
      config: fc.oneof(
        { weight: 5, arbitrary: spoiledJson(originals).map(({ text }) => parse(text)) },
        { weight: 1, arbitrary: oddJsonValues },
      ),
      steps: fc.oneof(
        { weight: 3, arbitrary: fc.integer({ min: 1, max: 12 }) },
        { weight: 2, arbitrary: oddNumbers },
        { weight: 1, arbitrary: oddValues },
      ),
      options,
      stepOptions: fc.oneof(
        fc.constant({}),
        fc.dictionary(
          fc.constantFrom('eta', 'sChurn', 'sNoise', 'order', 'useClippedModelOutput', 'x'),
          oddJsonValues,
          { maxKeys: 2 },
        ),
      ),
      seed: fc.nat(),
    }),
    tryOne: async (input) => {
      const made = await refusalOf(() => schedulerRegistry[input.name].fromConfig(input.config));
      if (typeof made === 'string') return made;
      const used = await refusalOf(() => use(made.value, input));
      return typeof used === 'string' ? `made, then ${used}` : used.value;
    },
    close: async () => undefined,
  };
}

function numbers(min, max) {
  return fc.oneof(
    fc.array(fc.double({ min, max, noNaN: true }), { maxLength: 6 }).map((list) => list.toSorted((a, b) => b - a)),
    fc.array(fc.integer({ min, max }), { maxLength: 6 }).map((list) => [...new Set(list)].toSorted((a, b) => b - a)),
    fc.array(oddNumbers, { maxLength: 4 }),
  );
}

/** As core reads it: infinite numbers by name. */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

function use(scheduler, { steps, options, stepOptions, seed }) {
  scheduler.setTimesteps(steps, options);
  const { timesteps } = scheduler;
  if (timesteps.length === 0 || !timesteps.every(Number.isFinite))
    throw new Error(`timesteps ${timesteps.slice(0, 20)}`);
  const generator = new TorchGenerator(seed);
  let sample = SAMPLE;
  for (const timestep of timesteps.slice(0, 3)) {
    const input = scheduler.scaleModelInput(sample, timestep);
    sample = scheduler.step(input, timestep, sample, { generator, ...stepOptions }).prevSample;
    if (String(sample.dims) !== String(DIMS) || sample.data.length !== SAMPLE.data.length)
      throw new Error(`a sample of [${sample.dims.join(', ')}]`);
  }
  scheduler.addNoise(SAMPLE, SAMPLE, [timesteps[0]]);
  return 'stepped';
}
