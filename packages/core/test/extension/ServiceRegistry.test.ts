import { describe, expect, test } from '@jest/globals';
import { DDIMScheduler } from '../../src/schedulers/DDIMScheduler.js';
import { ServiceRegistry } from '../../src/extension/ServiceRegistry.js';
import { createToken } from '../../src/extension/Token.js';
import { type Named, SCHEDULERS } from '../../src/extension/tokens.js';

const COLOUR = createToken<string>('test:colour');
const SIZES = createToken<Named<number>>('test:sizes');

describe('ServiceRegistry', () => {
  test('gives what was provided last, and all, oldest first', () => {
    const services = new ServiceRegistry();
    services.provide(COLOUR, 'red');
    services.provide(COLOUR, 'blue');
    expect(services.get(COLOUR)).toBe('blue');
    expect(services.getAll(COLOUR)).toEqual(['red', 'blue']);
  });

  test('takes away exactly what was provided, also if it is there twice', () => {
    const services = new ServiceRegistry();
    const first = services.provide(COLOUR, 'red');
    services.provide(COLOUR, 'blue');
    services.provide(COLOUR, 'red');
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    expect(services.getAll(COLOUR)).toEqual(['blue', 'red']);
  });

  test('can be provided for again after all was taken away', () => {
    const services = new ServiceRegistry();
    const first = services.provide(COLOUR, 'red');
    first[Symbol.dispose]();
    services.provide(COLOUR, 'blue');
    first[Symbol.dispose]();
    expect(services.getAll(COLOUR)).toEqual(['blue']);
  });

  test('says what is missing', () => {
    const services = new ServiceRegistry();
    expect(services.getAll(COLOUR)).toEqual([]);
    expect(() => services.get(COLOUR)).toThrow('nothing is provided for "test:colour"');
    services.provide(createToken<undefined>('test:nothing'), undefined);
    expect(services.get(createToken<undefined>('test:nothing'))).toBeUndefined();
  });

  test('finds by name, the last provider first, and nothing that objects inherit', () => {
    const services = new ServiceRegistry();
    services.provide(SIZES, { small: 1, large: 9 });
    const override = services.provide(SIZES, { large: 10 });
    expect([services.find(SIZES, 'small'), services.find(SIZES, 'large')]).toEqual([1, 10]);
    override[Symbol.dispose]();
    expect(services.find(SIZES, 'large')).toBe(9);
    expect(services.named(SIZES)).toEqual({ small: 1, large: 9 });
    expect(services.find(SIZES, 'toString')).toBeUndefined();
    expect(services.find(SIZES, 'constructor')).toBeUndefined();
  });

  test('takes a scheduler class as it is', () => {
    class QuietScheduler extends DDIMScheduler {}
    const services = new ServiceRegistry();
    services.provide(SCHEDULERS, { QuietScheduler });
    expect(services.find(SCHEDULERS, 'QuietScheduler')?.fromConfig({ steps_offset: 3 })).toBeInstanceOf(QuietScheduler);
  });

  test('takes two tokens of one description for the same', () => {
    const services = new ServiceRegistry();
    services.provide(createToken<number>('test:n'), 1);
    expect(services.get(createToken<number>('test:n'))).toBe(1);
    expect(() => createToken('')).toThrow('"token description"');
  });
});
