import { describe, expect, test } from '@jest/globals';
import { Tensor } from 'onnxruntime-common';
import {
  booleanField,
  choiceField,
  described,
  type Field,
  integerField,
  nullable,
  numberField,
  type OptionsOf,
} from '../../src/fields/Field.js';
import { objectField, signalField, tensorField } from '../../src/fields/objectField.js';
import { eitherField, listField, optional, required, textField } from '../../src/fields/optionFields.js';
import { optionsSchema } from '../../src/fields/optionsSchema.js';
import { parseOption } from '../../src/fields/parseOption.js';
import { readOptions } from '../../src/fields/readOptions.js';

const FIELDS = {
  steps: described(integerField(50, 1) as Field<number | undefined>, {
    impliedBy: ['sigmas'],
    description: 'how many',
  }),
  sigmas: described(optional(listField(numberField(0), 'a list of numbers')), { conflicts: ['timesteps'] }),
  timesteps: optional(listField(integerField(0), 'a list of integers')),
  share: numberField(0.5, 0, 1),
  mode: choiceField('fast', ['fast', 'small']),
  force: booleanField(false),
  seed: optional(eitherField(integerField(0), listField(integerField(0), 'a list with one per image'))),
  limit: nullable(integerField(1, 1)),
  embeds: tensorField('prompts', 3),
  signal: signalField(),
};
const ALL: OptionsOf<typeof FIELDS> = {};

describe('readOptions', () => {
  test('fills in defaults, and takes undefined for nothing', () => {
    expect(readOptions({ ...ALL, share: 1, mode: undefined }, FIELDS)).toEqual({
      steps: 50,
      sigmas: undefined,
      timesteps: undefined,
      share: 1,
      mode: 'fast',
      force: false,
      seed: undefined,
      limit: null,
      embeds: undefined,
      signal: undefined,
    });
  });

  test('leaves out what other options say, unless it is given', () => {
    expect(readOptions({ sigmas: [3, 1] }, FIELDS).steps).toBeUndefined();
    expect(readOptions({ sigmas: [3, 1], steps: 2 }, FIELDS).steps).toBe(2);
  });

  const tensor = new Tensor('float32', new Float32Array(4), [1, 4]);
  test.each<[string, object, string, unknown, string]>([
    [
      'an unknown name',
      { stepz: 3 },
      'options',
      'stepz',
      'only steps, sigmas, timesteps, share, mode, force, seed, limit, embeds, signal',
    ],
    ['a value of another type', { steps: '3' }, 'steps', '3', 'an integer from 1'],
    ['a value out of range', { share: 2 }, 'share', 2, 'a number from 0 to 1'],
    ['a choice that is none', { mode: 'slow' }, 'mode', 'slow', 'one of "fast", "small"'],
    [
      'what neither of two kinds takes',
      { seed: ['a'] },
      'seed',
      ['a'],
      'an integer from 0, or a list with one per image',
    ],
    ['an empty list', { sigmas: [] }, 'sigmas', [], 'a list of numbers'],
    [
      'a tensor of another size, told by its sizes',
      { embeds: tensor },
      'embeds',
      'float32 [1, 4]',
      'float32 [prompts, 3]',
    ],
    ['a signal that is none', { signal: {} }, 'signal', {}, 'an AbortSignal'],
    ['two that exclude each other', { timesteps: [1], sigmas: [1] }, 'sigmas', [1], 'timesteps or sigmas, not both'],
    ['null, where that is no value', { share: null }, 'share', null, 'a number from 0 to 1'],
  ])('refuses %s', (_what, options, argument, value, expected) => {
    expect(() => readOptions(options, FIELDS)).toThrow(
      expect.objectContaining({
        code: 'ERR_ARGUMENT_INVALID',
        details: expect.objectContaining({ argument, value, expected }),
      }),
    );
  });

  test('asks for what has to be given', () => {
    const fields = { dir: required(textField('', 'the path of a folder', 1)), deep: booleanField(true) };
    // @ts-expect-error dir has to be given
    const none: OptionsOf<typeof fields> = {};
    expect(() => readOptions(none, fields)).toThrow('expected the path of a folder');
    expect(() => readOptions({ dir: '' }, fields)).toThrow('expected the path of a folder');
    expect(readOptions({ dir: 'x' }, fields)).toEqual({ dir: 'x', deep: true });
    expect(optionsSchema(fields)).toMatchObject({ required: ['dir'] });
  });
});

test('a JSON schema says the same, of what JSON can hold', () => {
  expect(optionsSchema({ ...FIELDS, code: objectField('Function', 'a function', () => true) })).toEqual({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    additionalProperties: false,
    properties: {
      steps: { type: 'integer', minimum: 1, default: 50, description: 'how many' },
      sigmas: { type: 'array', items: { type: 'number' }, minItems: 1 },
      timesteps: { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1 },
      share: { type: 'number', minimum: 0, maximum: 1, default: 0.5 },
      mode: { enum: ['fast', 'small'], default: 'fast' },
      force: { type: 'boolean', default: false },
      seed: {
        anyOf: [
          { type: 'integer', minimum: 0 },
          { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1 },
        ],
      },
      limit: { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }], default: null },
    },
  });
});

describe('parseOption', () => {
  test.each([
    ['steps', '12', 12],
    ['share', '0.25', 0.25],
    ['mode', 'small', 'small'],
    ['force', 'true', true],
    ['sigmas', '3,1.5', [3, 1.5]],
    ['seed', '7', 7],
    ['seed', '7,8', [7, 8]],
  ])('reads %s=%s', (name, text, value) => {
    expect(parseOption(name, text, FIELDS)).toEqual(value);
  });

  test.each([
    ['steps', '', /"steps" is null; expected an integer from 1/],
    ['steps', 'many', /expected an integer from 1/],
    ['force', 'yes', /"force" is "yes"; expected true or false/],
    ['mode', 'slow', /one of "fast", "small"/],
    ['embeds', '1', /"options" is "embeds"; expected only steps, sigmas, timesteps, share, mode, force, seed/],
    ['toString', '1', /unknown option "toString"; expected only/],
  ])('refuses %s=%s', (name, text, message) => {
    expect(() => parseOption(name, text, FIELDS)).toThrow(message);
  });
});
