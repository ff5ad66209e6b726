import { describe, expect, test } from '@jest/globals';
import { WaterfallHook } from '../../src/hooks/engine/WaterfallHook.js';

const hookOf = (): WaterfallHook<string, { n: number }> => new WaterfallHook('transformGraph');

describe('WaterfallHook', () => {
  test('hands the value from tap to tap, with the context', () => {
    const hook = hookOf();
    hook.tap('b', (value, { n }) => `${value}b${n}`);
    hook.tap({ name: 'a', before: 'b' }, (value) => `${value}a`);
    expect(hook.call('0', { n: 7 })).toBe('0ab7');
  });

  test('is neutral without taps, and for undefined and null', () => {
    const hook = hookOf();
    expect(hook.call('0', { n: 1 })).toBe('0');
    hook.tap('nothing', () => undefined);
    hook.tap('null', () => null as unknown as string);
    hook.tap('a', (value) => `${value}a`);
    expect(hook.call('0', { n: 1 })).toBe('0a');
  });

  test('hands on falsy values', () => {
    const hook = hookOf();
    hook.tap('empty', () => '');
    expect(hook.call('0', { n: 1 })).toBe('');
  });

  test('skips a tap that is removed during the call', () => {
    const hook = hookOf();
    hook.tap('remover', () => {
      victim[Symbol.dispose]();
      return undefined;
    });
    const victim = hook.tap('victim', () => 'victim');
    expect(hook.call('0', { n: 1 })).toBe('0');
  });

  test('refuses a promise, also one that rejects, and names the tap', () => {
    const hook = hookOf();
    hook.tap({ name: 'tap', plugin: 'me:p' }, (async () =>
      Promise.reject(new Error('late'))) as unknown as () => string);
    expect(() => hook.call('0', { n: 1 })).toThrow(
      expect.objectContaining({ code: 'ERR_HOOK_SYNC', details: { plugin: 'me:p', hook: 'transformGraph' } }),
    );
  });

  test('attributes what a tap throws', () => {
    const hook = hookOf();
    const cause = new Error('boom');
    hook.tap('ok', () => undefined);
    hook.tap('bad', () => {
      throw cause;
    });
    expect(() => hook.call('0', { n: 1 })).toThrow(
      expect.objectContaining({
        code: 'ERR_PLUGIN_HOOK',
        cause,
        details: { plugin: 'bad', hook: 'transformGraph', cause: 'boom' },
      }),
    );
  });
});
