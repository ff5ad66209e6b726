// Options of any kind, for runs, for opening, for plugins: refused by a code before anything is done, or taken.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DiffusionPipeline, Tensor } from '@thimble/core';
import { testCheckpoint } from '@thimble/plugin-testkit';
import fc from 'fast-check';
import { FIXTURES } from './fixtures.mjs';
import { oddTexts, oddValues } from './oddValues.mjs';
import { refusalOf } from './refusalOf.mjs';

const PACKAGES = readdirSync(new URL('../../packages', import.meta.url)).filter((name) =>
  /^plugin-(?!testkit)/.test(name),
);
const PLUGINS = (await Promise.all(PACKAGES.map(async (name) => Object.values(await import(`@thimble/${name}`)))))
  .flat()
  .filter((value) => typeof value === 'function' && value.name.endsWith('Plugin'));
const MODELS = [
  testCheckpoint,
  ...['sdxl-tiny', 'sd3-tiny', 'flux2-klein-tiny', 'cogvideox-tiny'].map((name) => join(FIXTURES, name)),
];
const OPEN_OPTIONS = [
  'variant',
  'dtype',
  'revision',
  'device',
  'deviceOptions',
  'memoryLimit',
  'components',
  'config',
  'predictionType',
  'scheduler',
  'preset',
  'plugins',
  'signal',
  'onProgress',
  'maxSteps',
  'maxQueue',
  'x',
];
/** Thrown where a run would begin: its options were taken. */
const TAKEN = new Error('taken');
const INLINE = { deviceOptions: { inline: true, threads: 1 } };

export const count = 150_000;

export async function open() {
  const pipes = [];
  for (const model of MODELS) {
    const pipe = await DiffusionPipeline.fromPretrained(model, INLINE);
    pipe.hooks.beforeRun.tap({ name: 'fuzz', stage: -1e6 }, () => {
      throw TAKEN;
    });
    pipes.push(pipe);
  }
  const names = [...new Set(pipes.flatMap((pipe) => Object.keys(pipe.optionFields)))];
  const likely = fc.oneof(
    { weight: 3, arbitrary: oddValues },
    { weight: 2, arbitrary: fc.constantFrom(8, 16, 64, 1, 2, 0.5, 'x', ['x'], true, [1, 0.5], [999, 1], 'tensor') },
    {
      weight: 1,
      arbitrary: fc
        .array(fc.integer({ min: 0, max: 8 }), { maxLength: 5 })
        .map((dims) => new Tensor('float32', new Float32Array(dims.reduce((a, b) => a * b, 1)), dims)),
    },
  );
  return {
    inputs: fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({
          call: fc.constant('generate'),
          pipe: fc.nat({ max: pipes.length - 1 }),
          prompt: fc.oneof(
            { weight: 4, arbitrary: fc.constantFrom('a cat', ['a', 'b']) },
            { weight: 2, arbitrary: oddTexts },
            { weight: 1, arbitrary: oddValues },
          ),
          options: given(names, likely),
        }),
      },
      { weight: 1, arbitrary: fc.record({ call: fc.constant('open'), options: given(OPEN_OPTIONS, oddValues) }) },
      {
        weight: 3,
        arbitrary: fc.record({
          call: fc.constant('plugin'),
          plugin: fc.nat({ max: PLUGINS.length - 1 }),
          options: fc.oneof({ weight: 6, arbitrary: pluginOptions() }, { weight: 1, arbitrary: oddValues }),
        }),
      },
      {
        weight: 1,
        arbitrary: fc.record({
          call: fc.constant('scheduler'),
          name: fc.oneof(oddTexts, oddValues),
          options: oddValues,
        }),
      },
    ),
    tryOne: async (input) => {
      const outcome = await refusalOf(() => make(input, pipes));
      return `${input.call}: ${typeof outcome === 'string' ? outcome : 'taken'}`;
    },
    close: async () => {
      for (const pipe of pipes) await pipe.dispose();
    },
  };
}

function given(names, values) {
  return fc.dictionary(
    fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: oddTexts }),
    values,
    { minKeys: 1, maxKeys: 3 },
  );
}

function pluginOptions() {
  const names = [
    ...new Set(PLUGINS.flatMap(({ optionFields = {} }) => Object.keys(optionFields))),
    'file',
    'scale',
    'token',
  ];
  return given(names, fc.oneof(oddValues, fc.constantFrom('unet', ['unet'], 16, 'auto', 'x.safetensors'))).chain(
    (options) => fc.boolean().map((list) => (list ? [options] : options)),
  );
}

async function make(input, pipes) {
  if (input.call === 'generate') return begin(pipes[input.pipe], input);
  if (input.call === 'plugin') return new PLUGINS[input.plugin](input.options);
  if (input.call === 'scheduler') return pipes[0].createScheduler(input.name, input.options);
  const pipe = await DiffusionPipeline.fromPretrained(testCheckpoint, {
    ...INLINE,
    components: ['scheduler'],
    ...input.options,
  });
  await pipe.dispose();
}

async function begin(pipe, { prompt, options }) {
  try {
    // What ends a run early ends it with that reason, whatever it is: not a fault of options.
    await pipe.generate(prompt, { numInferenceSteps: 1, ...options });
  } catch (error) {
    if (error?.cause === TAKEN || error === TAKEN) return;
    throw error;
  }
  throw new Error('a run did not begin, and gave a result');
}
