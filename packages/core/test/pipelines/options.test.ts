import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Plugin } from '../../src/extension/Plugin.js';
import type { RunOption } from '../../src/extension/RunOption.js';
import { OPTIONS } from '../../src/extension/tokens.js';
import { integerField } from '../../src/fields/Field.js';
import { refuseOption } from '../../src/fields/refuseOption.js';
import { optionsSchema } from '../../src/fields/optionsSchema.js';
import { DiffusionPipeline } from '../../src/pipelines/DiffusionPipeline.js';
import { fixturePath } from '../support/fixturePath.js';

declare module '../../src/run/GenerateOptions.js' {
  interface GenerateOptions<O> {
    readonly strictness?: number;
  }
}

const TINY = { width: 64, height: 64, numInferenceSteps: 1, guidanceScale: 1, seed: 1, outputType: 'latent' as const };
let pipe: DiffusionPipeline;

beforeEach(async () => {
  pipe = await DiffusionPipeline.fromPretrained(fixturePath('sd-tiny'), {
    deviceOptions: { inline: true, threads: 1 },
  });
});
afterEach(async () => {
  await pipe.dispose();
});

function strict(name = 'test:strict', option = 'strictness'): Plugin & { readonly seen: unknown[] } {
  const seen: unknown[] = [];
  return {
    name,
    seen,
    apply: ({ provide, hooks }) => {
      provide(OPTIONS, { [option]: integerField(3, 0, 9) });
      hooks.beforeRun.tap(name, ({ options }) => void seen.push(options[option]));
    },
  };
}

describe("a plugin's option", () => {
  test('is taken, checked and given to hooks, until the plugin goes', async () => {
    await expect(pipe.generate('x', { ...TINY, strictness: 4 })).rejects.toMatchObject({
      details: { argument: 'options', value: 'strictness' },
    });
    const plugin = strict();
    await pipe.use(plugin);
    await pipe.generate('x', { ...TINY, strictness: 4 });
    await pipe.generate('x', TINY);
    expect(plugin.seen).toEqual([4, 3]);
    await expect(pipe.generate('x', { ...TINY, strictness: 10 })).rejects.toThrow(
      '"strictness" is 10; expected an integer from 0 to 9.',
    );
    await expect(pipe.generate('x', { ...TINY, strictnes: 1 } as object)).rejects.toThrow('did you mean "strictness"?');
    expect(pipe.defaults).toMatchObject({ strictness: 3 });
    await pipe.remove(plugin);
    expect(pipe.optionFields).not.toHaveProperty('strictness');
    await expect(pipe.generate('x', { ...TINY, strictness: 4 })).rejects.toMatchObject({
      details: { argument: 'options', value: 'strictness' },
    });
  });

  test.each([['width'], ['strictness']])('under a name that is taken, %s, is refused by name', async (option) => {
    await pipe.use(strict());
    await pipe.use(strict('test:other', option));
    await expect(pipe.generate('x', TINY)).rejects.toMatchObject({ details: { argument: 'options', value: option } });
  });
});

describe("a plugin's option that is read", () => {
  /** An option whose value says a size, and which refuses one. */
  const reading = (): Plugin => ({
    name: 'test:reading',
    apply: ({ provide, hooks }) => {
      const strictness: RunOption<number> = {
        ...integerField(3, 0, 99),
        read: async (value, { warn, signal }) => {
          signal.throwIfAborted();
          if (value === 13) refuseOption('strictness', value, 'another number');
          warn('WARN_TEST', `read ${value}`);
          return { value: `read ${value}`, size: { width: 8 * value, height: 16 } };
        },
      };
      provide(OPTIONS, { strictness });
      hooks.beforeRun.tap('test:reading', ({ options }) => void (seen = options));
    },
  });
  let seen: Readonly<Record<string, unknown>>;
  const { width, height, ...small } = TINY;
  void [width, height];

  test('is what was read for hooks, and says the size of the run where nobody else does', async () => {
    await pipe.use(reading());
    const { images } = await pipe.generate('x', { ...small, strictness: 5 });
    expect(images.dims).toEqual([1, 4, 2, 5]);
    expect(seen).toMatchObject({ strictness: 'read 5', width: 40, height: 16 });
    expect((await pipe.generate('x', small)).images.dims).toEqual([1, 4, 2, 3]);
    expect((await pipe.generate('x', TINY)).images.dims).toEqual([1, 4, 8, 8]);
  });

  test('fails the run with its own error', async () => {
    await pipe.use(reading());
    await expect(pipe.generate('x', { ...small, strictness: 13 })).rejects.toMatchObject({
      code: 'ERR_ARGUMENT_INVALID',
      details: { argument: 'strictness', value: 13 },
    });
  });
});

test("a pipeline tells what it takes, with its model's sizes, and makes a schema of it", () => {
  expect(pipe.defaults).toMatchObject({
    width: 128,
    height: 128,
    numInferenceSteps: 50,
    guidanceScale: 7.5,
    eta: 0,
    outputType: 'image',
  });
  expect(pipe.defaults).not.toHaveProperty('seed');
  expect(optionsSchema(pipe.optionFields)).toMatchObject({
    properties: { width: { type: 'integer', minimum: 1, multipleOf: 8 }, seed: { anyOf: expect.any(Array) } },
  });
  expect(optionsSchema(pipe.optionFields)['properties']).not.toHaveProperty('latents');
});
