import { describe, expect, test } from '@jest/globals';
import { isThimbleError } from '../../src/errors.js';
import { validatePlugin } from '../../src/extension/validatePlugin.js';
import { VERSION } from '../../src/version.js';

class TilingPlugin {
  readonly name = 'me:tiling';
  apply(): void {}
}

// What a class becomes when it is compiled to ES5.
const OldPlugin = function OldPlugin(): void {} as unknown as { prototype: { apply(): void } };
OldPlugin.prototype.apply = () => undefined;

function createTiling(): TilingPlugin {
  return new TilingPlugin();
}

const apply = (): void => undefined;

function errorOf(value: unknown): { code: string; message: string } {
  try {
    validatePlugin(value);
  } catch (error) {
    if (isThimbleError(error)) return error;
    throw error;
  }
  throw new Error('it was accepted');
}

describe('validatePlugin', () => {
  test.each([
    ['a class', TilingPlugin, 'ERR_PLUGIN_CLASS', 'pipe.use(new TilingPlugin())'],
    ['an old class', OldPlugin, 'ERR_PLUGIN_CLASS', 'pipe.use(new OldPlugin())'],
    ['a factory', createTiling, 'ERR_PLUGIN_CLASS', 'pipe.use(createTiling())'],
    ['a string', 'me:tiling', 'ERR_PLUGIN_STRING', 'pipe.use(new ModelOffloadPlugin())'],
    ['undefined', undefined, 'ERR_PLUGIN_FALSY', 'if (wanted) await pipe.use('],
    ['null', null, 'ERR_PLUGIN_FALSY', 'pipe.use(null)'],
    ['false', false, 'ERR_PLUGIN_FALSY', 'pipe.use(false)'],
    ['an empty string', '', 'ERR_PLUGIN_FALSY', "pipe.use('')"],
    ['true', true, 'ERR_PLUGIN_INVALID', 'a boolean is not a plugin'],
    ['a promise', Promise.resolve(new TilingPlugin()), 'ERR_PLUGIN_INVALID', 'pipe.use(await …)'],
    ['an array', [new TilingPlugin()], 'ERR_PLUGIN_INVALID', 'for (const plugin of plugins) await pipe.use(plugin)'],
    ['no apply', { name: 'me:x' }, 'ERR_PLUGIN_INVALID', '"me:x" is not a plugin: it has no apply method'],
    ['no name', { apply }, 'ERR_PLUGIN_INVALID', 'its name is missing'],
    ['an empty name', { apply, name: '' }, 'ERR_PLUGIN_INVALID', 'its name is missing'],
    [
      'odd engines',
      { apply, name: 'a', engines: '^1.0.0' },
      'ERR_PLUGIN_INVALID',
      `engines = { thimble: '^${VERSION}' }`,
    ],
    ['odd claims', { apply, name: 'a', claims: 'residency' }, 'ERR_PLUGIN_INVALID', "claims = ['residency']"],
    ['odd requires', { apply, name: 'a', requires: [1] }, 'ERR_PLUGIN_INVALID', 'requires = ['],
  ])('refuses %s, with the line to write instead', (_title, value, code, line) => {
    const error = errorOf(value);
    expect(error.code).toBe(code);
    expect(error.message).toContain(line);
  });

  test('accepts any object of the right shape', () => {
    expect(() => validatePlugin(new TilingPlugin())).not.toThrow();
    expect(() => validatePlugin(Object.assign(Object.create(null), { name: 'a', apply }))).not.toThrow();
    expect(() =>
      validatePlugin({ name: 'a', apply, engines: { thimble: '*' }, claims: ['residency'], requires: [] }),
    ).not.toThrow();
  });
});
