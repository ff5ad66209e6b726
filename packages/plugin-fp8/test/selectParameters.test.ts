import { expect, test } from '@jest/globals';
import type { Layer, Parameter } from '@thimble/core';
import { DEFAULT_SKIP_MODULES_PATTERN } from '../src/index.js';
import { selectParameters } from '../src/selectParameters.js';
import { castingCalls } from './CastingFixture.js';

/** The layers of diffusers' transformer, from the names of its parameters: what is called a norm and has no linear layer in it is one. */
function layersOf(keys: readonly string[]): readonly Layer[] {
  const byPath = new Map<string, string[]>();
  for (const key of keys) byPath.set(key.replace(/\.\w+$/, ''), [...(byPath.get(key.replace(/\.\w+$/, '')) ?? []), key]);
  return [...byPath].map(([path, own]) => {
    const steps = path.split('.');
    const lineage = ['', ...steps.map((_, i) => steps.slice(0, i + 1).join('.'))].map((each) => ({ path: each, pythonClass: each === path ? (/norm(_\w+)?$|norm\d?$/.test(path) ? 'LayerNorm' : 'Linear') : 'Module' }));
    return { lineage, parameters: Object.fromEntries(own.map((key) => [key.slice(path.length + 1), { key, shape: [] } as unknown as Parameter])) };
  });
}

test.each(castingCalls.filter(({ args }) => args.model === 'transformer').map((call) => [call.name, call] as const))("%s: the layers of CogVideoX's transformer", (_name, { args }) => {
  const patterns = [...DEFAULT_SKIP_MODULES_PATTERN, 'patch_embed', 'norm'].map((pattern) => new RegExp(pattern));
  expect(selectParameters(layersOf([...args.stored, ...args.kept]), { patterns, classes: null }).toSorted()).toEqual(args.stored.toSorted());
});

test('with neither patterns nor classes everything is cast, norms too', () => {
  const keys = ['norm.weight', 'a.weight', 'a.bias'];
  expect(selectParameters(layersOf(keys), { patterns: null, classes: null })).toEqual(keys);
  expect(selectParameters(layersOf(keys), { patterns: null, classes: [] })).toEqual(['a.weight', 'a.bias']);
});
