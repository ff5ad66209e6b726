import { describe, expect, test } from '@jest/globals';
import { createHooks, type Hooks, hookManifest, hookNames } from '../../src/hooks/manifest.js';
import { SeriesHook } from '../../src/hooks/engine/SeriesHook.js';
import { WaterfallHook } from '../../src/hooks/engine/WaterfallHook.js';

// A record, so that the type checker refuses a name that is missing or one too many.
const NAMES: Readonly<Record<keyof Hooks, true>> = {
  transformWeights: true,
  transformGraph: true,
  prepareSegment: true,
  beforeRun: true,
  encodePrompt: true,
  afterRun: true,
  beforeModelCall: true,
  afterModelCall: true,
  beforeSegment: true,
  afterSegment: true,
  beforeStep: true,
  afterStep: true,
  beforeDecode: true,
  afterDecode: true,
  beforeEncode: true,
  afterEncode: true,
  failed: true,
};

describe('manifest', () => {
  test('declares the hooks of the design, and no others', () => {
    expect([...hookNames].sort()).toEqual(Object.keys(NAMES).sort());
    expect(Object.keys(createHooks()).sort()).toEqual(Object.keys(NAMES).sort());
  });

  test('says when each is called and what a tap may do', () => {
    for (const { when, may } of Object.values(hookManifest)) {
      expect(when).toMatch(/^.{20,}\.$/);
      expect(may).toMatch(/^.{10,}\.$/);
    }
  });

  test('makes each hook of the declared kind and name', () => {
    const hooks = createHooks();
    for (const name of hookNames) {
      expect(hooks[name]).toBeInstanceOf(hookManifest[name].kind === 'waterfall' ? WaterfallHook : SeriesHook);
      expect(hooks[name].name).toBe(name);
    }
  });

  test('gives each pipeline hooks of its own', () => {
    const hooks = createHooks();
    hooks.beforeStep.tap('a', () => undefined);
    expect(createHooks().beforeStep.isUsed()).toBe(false);
  });

  test('gives taps typed payloads', async () => {
    const hooks = createHooks();
    const seen: (string | number | undefined)[] = [];
    hooks.beforeRun.tap('a', (run) => void seen.push(run.id));
    hooks.beforeRun.tap('b', (run) => void run.state.set('k', run.steps));
    const run = { id: 1, prompt: 'p', options: {}, state: new Map<unknown, unknown>(), steps: 4 };
    await hooks.beforeRun.call(run);
    expect(seen).toEqual([1]);
    expect(run.state.get('k')).toBe(4);
  });

  test.each(['failed', 'afterRun'] as const)('lets every tap of %s run, even if one fails', async (name) => {
    const hook = createHooks()[name];
    let cleaned = false;
    hook.tap('bad', () => Promise.reject(new Error('boom')));
    hook.tap('good', () => {
      cleaned = true;
    });
    const run = { id: 1, prompt: 'p', options: {}, state: new Map<unknown, unknown>(), steps: 4 };
    await expect(hook.call(run)).rejects.toMatchObject({ details: { plugin: 'bad', hook: name } });
    expect(cleaned).toBe(true);
  });
});
