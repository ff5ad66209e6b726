import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  createScheduler,
  DiffusionPipeline,
  exportToVideo,
  Image,
  schedulerRegistry,
  Tensor,
  TorchGenerator,
} from '../../src/index.js';
import { createDevice } from '../../src/plugin.js';
import { checkOptionNames } from '../../src/fields/checkOptionNames.js';
import { nearestName } from '../../src/fields/nearestName.js';
import { fixturePath } from '../support/fixturePath.js';
import { processorTimeOf } from '../support/processorTime.js';

const GENERATE = [
  'timesteps',
  'numInferenceSteps',
  'guidanceScale',
  'negativePrompt',
  'width',
  'numImagesPerPrompt',
  'seed',
];

describe('the nearest name', () => {
  test.each([
    ['steps', 'numInferenceSteps'],
    ['num_inference_steps', 'numInferenceSteps'],
    ['guidanceScal', 'guidanceScale'],
    ['cfgScale', 'guidanceScale'],
    ['negative_prompt', 'negativePrompt'],
    ['sed', 'seed'],
    ['With', 'width'],
    ['numImages', 'numImagesPerPrompt'],
    ['nope', undefined],
    ['', undefined],
  ])('to %s is %s', (name, nearest) => expect(nearestName(name, GENERATE)).toBe(nearest));
});

test('the message names whose option it is, and the nearest one or all', () => {
  expect(() => checkOptionNames({ steps: 3 }, GENERATE, 'generate')).toThrow(
    'unknown option "steps" of generate; did you mean "numInferenceSteps"?',
  );
  expect(() => checkOptionNames({ nope: 1 }, ['keep', 'order'], 'ModelOffloadPlugin')).toThrow(
    'unknown option "nope" of ModelOffloadPlugin; expected only keep, order.',
  );
  expect(() => checkOptionNames({ nope: 1 }, [])).toThrow('unknown option "nope"; expected none.');
});

describe('an option that there is not is refused', () => {
  let pipe: DiffusionPipeline;
  const image = new Image({ width: 1, height: 1, data: new Uint8Array(3) });
  const ids = (): Tensor => new Tensor('int64', new BigInt64Array(16), [1, 16]);

  beforeAll(async () => {
    const deviceOptions = { inline: true, threads: 1 };
    pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), { deviceOptions });
  });
  afterAll(async () => pipe.dispose());

  test.each<[string, (options: never) => unknown, string]>([
    ['generate', async (o) => pipe.generate('x', o), 'seedd'],
    ['fromPretrained', async (o) => DiffusionPipeline.fromPretrained('/nowhere', o), 'memoryLimits'],
    ['decodeLatents', async (o) => pipe.decodeLatents(new Tensor('float32', [0], [1, 1, 1, 1]), o), 'signl'],
    ['Image.save', async (o) => image.save('/nowhere/x.png', o), 'qualty'],
    ['Image.toBuffer', async (o) => image.toBuffer('png', o), 'quallity'],
    ['exportToVideo', async (o) => exportToVideo([image], '/nowhere/x.gif', o), 'fpss'],
    ['text_encoder.call', async (o) => pipe.components['text_encoder']!.call({ input_ids: ids() }, o), 'output'],
    ['vae.decode', async (o) => pipe.vae.decode({ z: new Tensor('float32', [0], [1, 1, 1, 1]) }, o), 'output'],
    ['encode', async (o) => pipe.tokenizer.encode('x', o), 'maxLenght'],
    ['truncated', async (o) => pipe.tokenizer.truncated('x', o), 'maxLenght'],
    ['decode', async (o) => pipe.tokenizer.decode([1], o), 'skipSpecialToken'],
    ['TorchGenerator', async (o) => new TorchGenerator(1, o), 'dtyp'],
    ['deviceOptions', async (o) => createDevice(o), 'thread'],
    ...Object.keys(schedulerRegistry).map((name): [string, (options: never) => unknown, string] => [
      `${name}.setTimesteps`,
      async (o) => createScheduler(name, {}).setTimesteps(4, o),
      'timestep',
    ]),
  ])('by %s', async (of, call, option) => {
    await expect(call({ [option]: 1 } as never)).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      message: expect.stringMatching(new RegExp(`^unknown option "${option}" of ${of}; did you mean "`)),
    });
    await expect(call(null as never)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
  });

  test('values at the edge are refused at once, with a code', async () => {
    const calls = [
      async () => pipe.generate('a\0b', { numInferenceSteps: 1 }),
      ...[undefined, null, 5, {}, [null]].map((value) => async () => pipe.generate(value as never)),
      ...[undefined, null, 5, [1]].flatMap((value) => [
        async () => pipe.decodeLatents(value as never),
        async () => pipe.vae.decode(value as never),
        async () => pipe.unet.call(value as never),
      ]),
      ...[{ numInferenceSteps: 1e9 }, { numImagesPerPrompt: 1e9 }, { width: 8e9 }, { seed: NaN }, { eta: NaN }].map(
        (options) => async () => pipe.generate('x', options),
      ),
      async () => pipe.createScheduler('ddim', null as never),
      async () => pipe.createScheduler(5 as never),
    ];
    const taken = await processorTimeOf(async () => {
      for (const call of calls) await expect(call()).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
    });
    expect(taken).toBeLessThan(2000);
  });

  test('also of a device, before anything is looked for', async () => {
    const opened = async (deviceOptions: object): Promise<unknown> =>
      DiffusionPipeline.fromPretrained('/nowhere', { deviceOptions });
    await expect(opened({ thread: 2 })).rejects.toThrow('unknown option "thread" of deviceOptions');
    for (const bad of [{ threads: 1e9 }, { threads: NaN }, { allocator: 'none' }, { inline: 'yes' }])
      await expect(opened(bad)).rejects.toMatchObject({ code: 'ERR_ARGUMENT_INVALID' });
  });
});
